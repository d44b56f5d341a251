/**
 * A broker that lets in nobody in clear text: one listener with TLS and SCRAM, one with TLS and certificates of clients, and nothing allowed that no
 * ACL allows. Certificates are made by openssl for the occasion.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { cacheDirectory } from '../src/cache-directory.ts'
import { freePort } from '../src/free-port.ts'
import { startKafka } from '../src/server.ts'

export interface SecuredBroker {
  /** `host:port` of the listener for users with passwords. */
  readonly scram: string
  /** `host:port` of the listener for clients with certificates; a principal is `User:CN=…`. */
  readonly mutualTls: string
  /** Files: `ca.pem`, and `NAME.pem` with `NAME.key` of each client. */
  readonly folder: string
  stop(): Promise<void>
}

/** @param users name and password; `admin` may do everything. @param clients common names of certificates */
export async function startSecuredBroker(
  users: Readonly<Record<string, string>>,
  clients: readonly string[],
): Promise<SecuredBroker> {
  const folder = mkdtempSync(join(tmpdir(), 'lapwing-secured-'))
  makeCertificates(folder, clients)
  const mutualPort = await freePort()
  const server = await startKafka({
    cacheDirectory: cacheDirectory(process.env, homedir()),
    dataDirectory: join(folder, 'data'),
    repository: process.env.MAVEN_REPOSITORY,
    javaHome: process.env.JAVA_HOME,
    onProgress: () => undefined,
    settings: (port, controllerPort) => securedSettings(folder, port, mutualPort, controllerPort),
    formatArguments: Object.entries(users).flatMap(([name, password]) => [
      '--add-scram',
      `SCRAM-SHA-512=[name=${name},password=${password}]`,
    ]),
  })
  const stop = async () => {
    await server.kill()
    rmSync(folder, { recursive: true })
  }
  return { scram: `127.0.0.1:${server.port}`, mutualTls: `127.0.0.1:${mutualPort}`, folder, stop }
}

function securedSettings(folder: string, port: number, mutualPort: number, controllerPort: number): Record<string, string> {
  return {
    listeners: `SASL_SSL://127.0.0.1:${port},SSL://127.0.0.1:${mutualPort},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `SASL_SSL://127.0.0.1:${port},SSL://127.0.0.1:${mutualPort}`,
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL',
    'inter.broker.listener.name': 'SSL',
    'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
    'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config': 'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': join(folder, 'broker.both.pem'),
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': join(folder, 'ca.pem'),
    'listener.name.ssl.ssl.client.auth': 'required',
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'allow.everyone.if.no.acl.found': 'false',
    'super.users': 'User:admin;User:CN=broker;User:ANONYMOUS',
  }
}

function makeCertificates(folder: string, clients: readonly string[]): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=Test authority')
  openssl('req', '-x509', ...newKey, '-keyout', 'stranger.key', '-out', 'stranger.pem', '-days', '2', '-subj', '/CN=stranger')
  writeFileSync(join(folder, 'names'), 'subjectAltName=IP:127.0.0.1')
  for (const name of ['broker', ...clients]) {
    openssl('req', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
    const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names']
    openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.pem`, ...signing)
  }
  const both = ['broker.key', 'broker.pem'].map((name) => readFileSync(join(folder, name), 'utf8')).join('')
  writeFileSync(join(folder, 'broker.both.pem'), both)
}
