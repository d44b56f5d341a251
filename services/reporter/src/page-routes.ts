/**
 * The page, served from memory: bundled by esbuild from `page/` when the service starts, in a tenth of a second, so that a fresh
 * clone has no build step and what is served is never older than its source.
 *
 * Everything the page needs comes from here: the content security policy allows no other origin, no inline script or style.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { FastifyInstance } from 'fastify'

export interface PageFiles {
  readonly html: string
  /** By path; the names hold a hash of the content, so they may be cached for ever. */
  readonly assets: ReadonlyMap<string, PageAsset>
}

export interface PageAsset {
  readonly type: string
  readonly body: Uint8Array
}

export async function bundlePage(): Promise<PageFiles> {
  const folder = fileURLToPath(new URL('./page/', import.meta.url))
  const result = await build({
    entryPoints: { page: `${folder}main.tsx`, style: `${folder}style.css` },
    outdir: folder,
    bundle: true,
    write: false,
    minify: true,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    logLevel: 'silent',
  })
  const assets = new Map<string, PageAsset>()
  let html = await readFile(`${folder}index.html`, 'utf8')
  for (const { path, contents } of result.outputFiles) {
    const extension = path.endsWith('.css') ? 'css' : 'js'
    const address = `/assets/${createHash('sha256').update(contents).digest('hex').slice(0, 16)}.${extension}`
    assets.set(address, { type: contentTypes[extension], body: contents })
    html = html.replace(extension === 'css' ? '/style.css' : '/page.js', address)
  }
  return { html, assets }
}

export function addPage(http: FastifyInstance, { html, assets }: PageFiles): void {
  http.get('/', (_request, reply) => reply.type('text/html; charset=utf-8').header('cache-control', 'no-cache').send(html))
  for (const [address, { type, body }] of assets) {
    http.get(address, (_request, reply) => {
      return reply.type(type).header('cache-control', 'public, max-age=31536000, immutable').send(Buffer.from(body))
    })
  }
}

/** On every answer of the service, the errors among them. */
export function addSecurityHeaders(http: FastifyInstance): void {
  http.addHook('onRequest', async (_request, reply) => {
    reply.headers(securityHeaders)
  })
}

const securityHeaders = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
} as const

const contentTypes = { js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8' } as const
