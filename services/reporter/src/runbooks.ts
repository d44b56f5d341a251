/** The runbooks of the repository at `/runbooks/NAME.md`, as plain text, so that the page can say what to do without asking another host. */
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance } from 'fastify'

const folder = fileURLToPath(new URL('../../../docs/runbooks/', import.meta.url))

export async function addRunbooks(http: FastifyInstance): Promise<void> {
  for (const name of await readdir(folder)) {
    const text = await readFile(folder + name, 'utf8')
    http.get(`/runbooks/${name}`, (_request, reply) => reply.type('text/plain; charset=utf-8').send(text))
  }
}
