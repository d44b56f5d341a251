/** Readiness as named conditions: a service is ready when every condition it declared holds; the others say why not. */

export interface Health {
  /** Declares a condition, not yet holding. */
  declare(name: string, why: string): void
  /** Sets a declared condition: `true`, or the reason why it does not hold. */
  set(name: string, state: true | string): void
  /** A condition that is looked at whenever somebody asks: `true`, or the reason why it does not hold. */
  watch(name: string, look: () => true | string): void
  /** The conditions that do not hold, `name: why`. Empty means ready. */
  failing(): string[]
}

export function createHealth(): Health {
  const conditions = new Map<string, true | string>()
  const looks = new Map<string, () => true | string>()
  return {
    declare: (name, why) => {
      conditions.set(name, why)
    },
    set: (name, state) => {
      if (!conditions.has(name)) throw new Error(`no condition is called ${name}`)
      conditions.set(name, state)
    },
    watch: (name, look) => {
      looks.set(name, look)
    },
    failing: () =>
      [...conditions, ...[...looks].map(([name, look]) => [name, look()] as const)]
        .filter(([, state]) => state !== true)
        .map(([name, why]) => `${name}: ${why}`),
  }
}
