import { commonSections, loadConfig } from '@lapwing/service/config'
import { describe, expect, test } from 'vitest'
import { trainerSchema } from './config.ts'

const load = (...sets: string[]) => loadConfig({ ...commonSections, trainer: trainerSchema }, { environment: {}, sets })

describe('the schedule of the trainer', () => {
  test('is off unless there is one', () => {
    expect(load().trainer).toMatchObject({ time_zone: 'UTC', schedule_jitter: { ms: 1_800_000 } })
    expect(load().trainer.schedule).toBeUndefined()
    const { trainer } = load('trainer.schedule=0 3 * * 1-5', 'trainer.quiet_hours=22:00-06:00', 'trainer.time_zone=Europe/Berlin')
    expect(trainer).toMatchObject({ schedule: '0 3 * * 1-5', quiet_hours: '22:00-06:00', time_zone: 'Europe/Berlin' })
  })

  test.each([
    ['trainer.schedule=nightly', /trainer\.schedule: expected a cron expression such as "0 3 \* \* 1-5" \(.+\); found "nightly"/],
    ['trainer.schedule=0 25 * * *', /trainer\.schedule: expected a cron expression .*; found "0 25 \* \* \*"/],
    ['trainer.schedule=0 0 31 2 *', /trainer\.schedule: expected a cron expression .* \(0 0 31 2 \* never comes\)/],
    ['trainer.time_zone=Mars', /trainer\.time_zone: expected a time zone such as UTC or Europe\/Berlin; found "Mars"/],
    ['trainer.quiet_hours=22-6', /trainer\.quiet_hours: expected two different times of day such as 08:00-18:00; found "22-6"/],
    ['trainer.quiet_hours=08:00-08:00', /trainer\.quiet_hours: expected two different times of day/],
    ['trainer.quiet_hours=24:00-06:00', /trainer\.quiet_hours: expected two different times of day/],
    ['trainer.schedule_jitter=often', /trainer\.schedule_jitter: expected a duration/],
  ])('%s is refused with what was expected', (set, message) => {
    expect(() => load(set)).toThrow(message)
  })
})

describe('the bucket for large weights', () => {
  const whole = { endpoint: 'http://minio:9000', bucket: 'models', access_key_id: 'me', secret_access_key: 'hidden' }
  const loadBucket = (fields: object) => load(`trainer.artefact_bucket=${JSON.stringify({ ...whole, ...fields })}`)

  test('is a folder unless there is one; its secret is not shown', () => {
    expect(load().trainer).toMatchObject({ artefact_folder: 'models' })
    const { artefact_bucket: bucket } = loadBucket({}).trainer
    expect(bucket).toMatchObject({ ...whole, prefix: 'lapwing/', region: 'us-east-1', secret_access_key: expect.anything() })
    expect(JSON.stringify(bucket)).not.toContain('hidden')
  })

  test.each([
    [{ endpoint: 'minio:9000' }, /trainer\.artefact_bucket\.endpoint: expected an address/],
    [{ bucket: 'My Models' }, /trainer\.artefact_bucket\.bucket: expected the name of a bucket/],
    [{ access_key_id: undefined }, /trainer\.artefact_bucket\.access_key_id: expected string/],
    [{ secret_access_key: 4711 }, /trainer\.artefact_bucket\.secret_access_key: expected text in quotes; found "\[secret\]"/],
    [{ folder: 'x' }, /folder/],
  ])('%j is refused with what was expected', (fields, message) => {
    expect(() => loadBucket(fields)).toThrow(message)
  })
})
