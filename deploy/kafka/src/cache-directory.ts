/** Where what was downloaded is kept between runs, outside the clone. */
import { join } from 'node:path'

/** `LAPWING_CACHE`, else `lapwing` in the user's cache directory as freedesktop.org's base directory specification places it. */
export function cacheDirectory(environment: Readonly<Record<string, string | undefined>>, home: string): string {
  return environment.LAPWING_CACHE || join(environment.XDG_CACHE_HOME || join(home, '.cache'), 'lapwing')
}
