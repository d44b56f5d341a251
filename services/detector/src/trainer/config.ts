/** The trainer's section of the configuration. */
import { defaultModelKind, modelKinds } from '@lapwing/deep/model'
import { dayMs } from '@lapwing/detection/forgetting'
import { bucket, duration, timeZone } from '@lapwing/service/config-fields'
import { z } from 'zod'
import { cronProblem, quietHoursPattern } from './schedule.ts'

export const trainerSchema = z
  .strictObject({
    port: z.int().min(0).max(65535).default(8086),
    /** Kind of model that is trained for an entity. */
    model: z.enum(modelKinds).default(defaultModelKind),
    /** Distance of two rows that a model sees. */
    step: duration(1000).prefault('1m'),
    /** How much of the past a model learns from; the samples topic keeps two days. */
    history: duration(60_000).prefault('24h'),
    /** Of each end of the history, kept from training for validation. */
    held_back: duration(60_000).prefault('2h'),
    /** After drift, time to let pass before training. */
    settle: duration(0).prefault('4h'),
    /** Between two versions of a model that nobody asked for by hand. */
    cooldown: duration(0).prefault('6h'),
    /** How long a version that passed validation is scored beside the one in force. */
    shadow: duration(0).prefault('1h'),
    /** When entities that have a model are retrained without anybody asking; unset for never. */
    schedule: cronExpression().optional(),
    /** Of `schedule` and `quiet_hours`. */
    time_zone: timeZone().default('UTC'),
    /** Over which the scheduled retrainings of all entities are spread. */
    schedule_jitter: duration(0).prefault('30m'),
    /** In which no training begins but those that a person asks for. */
    quiet_hours: z.string().refine(isQuietHours, 'expected two different times of day such as 08:00-18:00').optional(),
    /** Series of an entity that a model takes, the most complete first. */
    max_channels: z.int().min(1).max(1000).default(100),
    /** Resident memory of a training, in MB; one that takes more is ended and its model rejected. */
    memory_limit_mb: z.int().min(100, 'expected at least 100 MB').default(500),
    /** Versions of an entity that are kept beside the one in force, the one before it, and those on their way. */
    kept_versions: z.int().min(1, 'expected at least 1').max(1000).default(10),
    /** Longest time that an entity is remembered after its last sample: as long as it was known before, at least a day, at most this. */
    forget_after: duration(dayMs).prefault('14d'),
    /** Folder for weights of more than 900 KB; trainers must share it. */
    artefact_folder: z.string().default('models'),
    /** Bucket for them instead. */
    artefact_bucket: bucket('lapwing/').optional(),
    /** What networks are trained on: `auto`, or a backend by name. */
    tensorflow_backend: z.enum(['auto', 'native', 'wasm', 'cpu']).default('auto'),
    /** Start of random numbers in training and validation. */
    seed: z.int().min(0).default(1),
    /** Between two checkpoints of the entities of a partition. */
    checkpoint_interval: duration(100).prefault('30s'),
  })
  .prefault({})

function cronExpression() {
  return z.string().superRefine((text, context) => {
    const problem = cronProblem(text, Date.now())
    if (problem === undefined) return
    context.addIssue({ code: 'custom', message: `expected a cron expression such as "0 3 * * 1-5" (${problem})` })
  })
}

function isQuietHours(text: string): boolean {
  const [from, to] = text.split('-')
  return quietHoursPattern.test(text) && from !== to
}

export type TrainerConfig = z.output<typeof trainerSchema>
