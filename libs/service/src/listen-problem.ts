/** Why a service cannot listen where its configuration says, told as what it is: a mistake in the configuration. */
import { ConfigError } from './config.ts'

/** The error of `listen`, or a ConfigError in its place. */
export function listenProblem(
  error: unknown,
  name: string,
  { host, port }: { readonly host: string; readonly port: number },
): unknown {
  const { code } = error as NodeJS.ErrnoException
  const at = `${host}:${port}`
  const expected = `Expected a port that is free: --set ${name}.port=PORT`
  if (code === 'EADDRINUSE') return new ConfigError([`${name}.port: something else listens at ${at} already. ${expected}`])
  if (code === 'EACCES') return new ConfigError([`${name}.port: this user may not listen at ${at}. ${expected}, 1024 or above`])
  if (code !== 'EADDRNOTAVAIL' && code !== 'ENOTFOUND') return error
  return new ConfigError([
    `http.host: ${host} is no address of this machine. Expected one, or 0.0.0.0 for all of them: --set http.host=ADDRESS`,
  ])
}
