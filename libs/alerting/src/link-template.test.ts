import { expect, test } from 'vitest'
import { alertRecord } from '../testing/alert.ts'
import { linkTemplate } from './link-template.ts'

test('a link is filled with the fields of the alert, as parts of an address', () => {
  const template = linkTemplate('https://runbooks.example/{metric}/{severity}?team={label:team}&on={label:instance}')
  const labels = [{ name: 'instance', value: 'a/b?<!channel>\ud800' }]
  expect(template(alertRecord({ labels }))).toBe(
    'https://runbooks.example/node_load1/warning?team=&on=a%2Fb%3F%3C!channel%3E%EF%BF%BD',
  )
})

test.each([
  ['an unknown field', 'https://x.example/{metrik}', /not \{metrik\}/],
  ['a label without a name', 'https://x.example/{label:}', /label:NAME/],
  ['a brace that is left open', 'https://x.example/{metric', /every \{/],
  ['no address', 'runbooks/{metric}', /expected an address/],
  ['a place that a value decides', 'https://{label:host}/', /expected an address/],
])('a template with %s is refused', (_, text, message) => {
  expect(() => linkTemplate(text)).toThrow(message)
})
