/**
 * Elections under random faults, without a log and without a clock: two or three ingestors, two or three replicas that send to any of them,
 * replicas that fall silent, ingestors that crash and read everything again, claims that are late or lost.
 *
 * - At one position of the log, and in one term, one replica is taken, by whichever ingestor.
 * - While a replica and an ingestor are up and nothing fails, something is taken at least once in the failover time and what it takes to
 *   send, write and read one claim.
 * - Also where compaction left only the last claim to whoever starts anew, all take the same replica once it is calm.
 *
 * Every case is a seed; a failure names it. `LAPWING_SEEDS=n` runs more of them, `LAPWING_SEED=s` one.
 */
import { expect, test } from 'vitest'
import { PairElections } from './pair-elections.ts'
import type { SendingReplica } from './pushed-series.ts'
import type { ReplicaClaim } from './replica-election.ts'

const timing = { failoverMs: 30_000, renewalMs: 15_000 }
const faultyMs = 15 * 60_000
const calmMs = 4 * 60_000
/** Within this time of calm all agree: an election and two renewals. */
const agreementMs = 2 * 60_000
const sendEveryMs = 5000
/** A send, one that met an ingestor that is down, and the way of a claim to the log and back. */
const slackMs = 2 * sendEveryMs + 1000 + 2500
const seeds = process.env.LAPWING_SEED
  ? [Number(process.env.LAPWING_SEED)]
  : Array.from({ length: Number(process.env.LAPWING_SEEDS ?? 500) }, (_, i) => i + 1)

test(`${seeds.length} seeds: one replica at a time, and never none for longer than the failover time`, () => {
  let elections = 0
  for (const seed of seeds) {
    const world = new World(randomOf(seed), false)
    expect(world.run(), `seed ${seed}`).toEqual([])
    elections += world.electedReplicas
  }
  // Enough of them that the cases mean something.
  if (seeds.length > 20) expect(elections).toBeGreaterThan(3 * seeds.length)
})

test(`${seeds.length} seeds with compaction: all agree once it is calm`, () => {
  for (const seed of seeds) expect(new World(randomOf(seed), true).run(), `seed ${seed}`).toEqual([])
})

interface Ingestor {
  isUp: boolean
  /** Counts its starts: what was on its way to an earlier one is nobody's. */
  life: number
  elections: PairElections
  isRead: boolean
  /** Claims that it has read, of the whole log. */
  position: number
  /** When the last claim on its way to it arrives: they keep their order. */
  busyUntilMs: number
  /** Requests that wait for a term. */
  waiting: { readonly term: number; resume(): void }[]
}

interface Sender {
  readonly replica: SendingReplica
  isUp: boolean
  /** Place of the ingestor that its connection leads to. */
  home: number
}

class World {
  readonly problems: string[] = []
  electedReplicas = 0
  readonly #random: () => number
  readonly #isCompacted: boolean
  readonly #agenda = new Agenda()
  readonly #log: ReplicaClaim[] = []
  readonly #ingestors: Ingestor[]
  readonly #senders: Sender[]
  /** Which replica was taken by whoever had read so many claims. */
  readonly #takenAt = new Map<number, string>()
  readonly #takenInTerm = new Map<number, string>()
  readonly #takenInCalm = new Set<string>()
  /** Until then a claim takes its time to the log, or is lost. */
  #slowUntilMs = 0
  /** When something was taken last, or went wrong. */
  #lastEventMs = 0

  constructor(random: () => number, isCompacted: boolean) {
    this.#random = random
    this.#isCompacted = isCompacted
    this.#ingestors = Array.from({ length: 2 + this.#choice(2) }, () => ({
      isUp: false,
      life: 0,
      elections: new PairElections(timing),
      isRead: false,
      position: 0,
      busyUntilMs: 0,
      waiting: [],
    }))
    this.#senders = Array.from({ length: 2 + this.#choice(2) }, (_, i) => ({
      replica: { tenant: '', cluster: 'eu', replica: 'abc'[i]! },
      isUp: true,
      home: 0,
    }))
  }

  /** What was wrong. */
  run(): string[] {
    for (const ingestor of this.#ingestors) this.#start(ingestor)
    for (const sender of this.#senders) this.#agenda.after(this.#upTo(sendEveryMs), () => this.#sendForEver(sender))
    this.#agenda.after(this.#upTo(60_000), () => this.#failForEver())
    this.#agenda.runUntil(faultyMs)
    this.#recover()
    this.#agenda.runUntil(faultyMs + calmMs)
    this.#noticeGap('at the end')
    if (this.#takenInCalm.size !== 1) this.problems.push(`in calm were taken: ${[...this.#takenInCalm].join(', ') || 'none'}`)
    return this.problems
  }

  #sendForEver(sender: Sender): void {
    if (sender.isUp) this.#send(sender)
    this.#agenda.after(sendEveryMs / 2 + this.#upTo(sendEveryMs), () => this.#sendForEver(sender))
  }

  /** As long as its connection holds, to the same ingestor: the others know only from the log that it is alive. */
  #send(sender: Sender): void {
    if (this.#random() < 0.03) sender.home = this.#choice(this.#ingestors.length)
    const ingestor = this.#ingestors[sender.home]!
    if (ingestor.isUp && ingestor.isRead) this.#request(ingestor, sender, 0)
    else if (this.#ingestors.some(({ isUp, isRead }) => isUp && isRead)) {
      sender.home = this.#choice(this.#ingestors.length)
      this.#agenda.after(200, () => this.#send(sender))
    }
  }

  #request(ingestor: Ingestor, sender: Sender, decisions: number): void {
    const { nowMs } = this.#agenda
    const { verdict, renewal } = ingestor.elections.hear(sender.replica, nowMs)
    if (verdict === 'take') this.#took(ingestor, sender.replica.replica)
    if (renewal) this.#write(ingestor, renewal)
    if (verdict !== 'claim' || decisions === 3) return
    const claim = ingestor.elections.claimFor(sender.replica, nowMs)
    const resume = () => this.#request(ingestor, sender, decisions + 1)
    if (claim) {
      ingestor.waiting.push({ term: claim.term, resume })
      this.#write(ingestor, claim)
    } else resume()
  }

  #took({ position }: Ingestor, replica: string): void {
    this.#noticeGap(`until ${replica} was taken`)
    this.#lastEventMs = this.#agenda.nowMs
    if (this.#agenda.nowMs > faultyMs + agreementMs) this.#takenInCalm.add(replica)
    if (this.#isCompacted) return
    const term = this.#log.slice(0, position).reduce((newest, claim) => Math.max(newest, claim.term), 0)
    this.#isAlone(replica, this.#takenAt, position, 'by who has read so many claims')
    this.#isAlone(replica, this.#takenInTerm, term, 'in the same term')
  }

  #isAlone(replica: string, taken: Map<number, string>, at: number, what: string): void {
    const other = taken.get(at) ?? replica
    if (other !== replica) this.problems.push(`${replica} and ${other} are both taken ${what}: ${at}`)
    taken.set(at, replica)
  }

  #noticeGap(what: string): void {
    const gapMs = this.#agenda.nowMs - Math.max(this.#lastEventMs, this.#slowUntilMs)
    const isSomebodyUp = this.#senders.some(({ isUp }) => isUp) && this.#ingestors.some(({ isUp }) => isUp)
    if (isSomebodyUp && gapMs > timing.failoverMs + slackMs)
      this.problems.push(`${gapMs} ms without any samples ${what}, at ${this.#agenda.nowMs}`)
  }

  #write(writer: Ingestor, claim: ReplicaClaim): void {
    const { life } = writer
    const isSlow = this.#agenda.nowMs < this.#slowUntilMs
    if (isSlow && this.#random() < 0.3) return
    this.#agenda.after(this.#upTo(isSlow ? 20_000 : 500), () => {
      // What its writer sent before it crashed may have arrived or not.
      if (writer.life !== life && this.#random() < 0.5) return
      this.#log.push(claim)
      const position = this.#log.length
      for (const ingestor of this.#ingestors) if (ingestor.isUp) this.#bring(ingestor, claim, position)
    })
  }

  #bring(ingestor: Ingestor, claim: ReplicaClaim, position: number): void {
    const { life } = ingestor
    const { nowMs } = this.#agenda
    ingestor.busyUntilMs = Math.max(ingestor.busyUntilMs, nowMs + this.#upTo(nowMs < this.#slowUntilMs ? 8000 : 1500))
    this.#agenda.after(ingestor.busyUntilMs - nowMs, () => {
      if (ingestor.life === life) this.#read(ingestor, claim, position)
    })
  }

  #read(ingestor: Ingestor, claim: ReplicaClaim, position: number): void {
    const elected = ingestor.elections.read(this.#senders[0]!.replica, claim, this.#agenda.nowMs)
    if (elected) this.electedReplicas++
    ingestor.position = Math.max(ingestor.position, position)
    const decided = ingestor.waiting.filter(({ term }) => ingestor.elections.isDecided(this.#senders[0]!.replica, term))
    ingestor.waiting = ingestor.waiting.filter((one) => !decided.includes(one))
    for (const { resume } of decided) resume()
  }

  /** Follows the log from its beginning, and takes no request until it has read it to the end beside that. */
  #start(ingestor: Ingestor): void {
    const life = ingestor.life + 1
    const fresh = { elections: new PairElections(timing), isRead: false, position: 0, busyUntilMs: this.#agenda.nowMs }
    Object.assign(ingestor, { ...fresh, isUp: true, life, waiting: [] })
    const kept = this.#isCompacted && this.#random() < 0.5 ? Math.max(0, this.#log.length - 1 - this.#choice(2)) : 0
    for (let at = kept; at < this.#log.length; at++) this.#bring(ingestor, this.#log[at]!, at + 1)
    this.#agenda.after(this.#upTo(1000), () => {
      if (ingestor.life !== life) return
      for (let at = kept; at < this.#log.length; at++) this.#read(ingestor, this.#log[at]!, at + 1)
      ingestor.isRead = true
    })
  }

  #failForEver(): void {
    if (this.#agenda.nowMs > faultyMs) return
    const fault = [() => this.#crash(), () => this.#silence(), () => this.#slowDown()][this.#choice(3)]!
    fault()
    this.#agenda.after(this.#upTo(2 * 60_000), () => this.#failForEver())
  }

  #crash(): void {
    const ingestor = this.#ingestors[this.#choice(this.#ingestors.length)]!
    if (!ingestor.isUp) return
    ingestor.isUp = false
    ingestor.life++
    this.#agenda.after(this.#upTo(90_000), () => {
      this.#disturbed()
      if (!ingestor.isUp) this.#start(ingestor)
    })
    this.#disturbed()
  }

  #silence(): void {
    const sender = this.#senders[this.#choice(this.#senders.length)]!
    if (!sender.isUp) return
    sender.isUp = false
    this.#agenda.after(this.#upTo(3 * 60_000), () => {
      this.#disturbed()
      sender.isUp = true
    })
    this.#disturbed()
  }

  #slowDown(): void {
    this.#slowUntilMs = this.#agenda.nowMs + this.#upTo(60_000)
  }

  #disturbed(): void {
    this.#noticeGap('until something failed or came back')
    this.#lastEventMs = this.#agenda.nowMs
  }

  #recover(): void {
    this.#disturbed()
    for (const ingestor of this.#ingestors) if (!ingestor.isUp) this.#start(ingestor)
    for (const sender of this.#senders) sender.isUp = true
    this.#slowUntilMs = Math.min(this.#slowUntilMs, this.#agenda.nowMs)
  }

  #choice(count: number): number {
    return Math.floor(this.#random() * count)
  }

  #upTo(most: number): number {
    return Math.ceil(this.#random() * most)
  }
}

/** What is to happen when; what is due at the same moment happens in the order in which it was asked for. */
class Agenda {
  nowMs = 0
  #number = 0
  readonly #due: { readonly atMs: number; readonly number: number; act(): void }[] = []

  after(delayMs: number, act: () => void): void {
    const one = { atMs: this.nowMs + delayMs, number: this.#number++, act }
    let place = this.#due.length
    while (place > 0 && this.#due[place - 1]!.atMs <= one.atMs) place--
    this.#due.splice(place, 0, one)
  }

  runUntil(endMs: number): void {
    while (this.#due.length > 0 && this.#due.at(-1)!.atMs <= endMs) {
      const { atMs, act } = this.#due.pop()!
      this.nowMs = atMs
      act()
    }
    this.nowMs = endMs
  }
}

/** mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
