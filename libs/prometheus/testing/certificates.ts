/** An authority of its own for a test, made by openssl in a folder: `ca.pem`, and for each name a certificate with its key. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface TestAuthority {
  /** Path of a file in the folder. */
  file(name: string): string
  /** Writes `NAME.pem` and `NAME.key`, in place of what was there. */
  certify(name: string, commonName: string): void
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']

export function createTestAuthority(folder: string): TestAuthority {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  const file = (name: string) => join(folder, name)
  openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=Test authority')
  const certify = (name: string, commonName: string) => {
    openssl('req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${commonName}`)
    writeFileSync(file(`${name}.ext`), `subjectAltName=DNS:${commonName}\n`)
    const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', `${name}.ext`]
    openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.pem`, ...signing)
  }
  return { file, certify }
}
