/** What a training process is asked for and what it answers; crosses a process boundary by structured clone. */
import type { ModelKind } from '@lapwing/deep/model'
import type { Rows } from '@lapwing/deep/rows'
import type { TensorFlowBackend } from '@lapwing/deep/tensorflow'
import type { HeldBack, MeanSpans, Validation } from '@lapwing/models/validation'

export interface TrainJob {
  readonly action: 'train'
  readonly kind: ModelKind
  readonly channels: readonly string[]
  readonly rows: Rows
  readonly seed: number
  readonly tensorflowBackend: string
}

export interface ValidateJob {
  readonly action: 'validate'
  /** Model files. */
  readonly candidate: Uint8Array
  readonly inForce: Uint8Array | undefined
  readonly channels: readonly string[]
  readonly oldest: HeldBack
  readonly newest: HeldBack
  readonly usual: MeanSpans
  readonly seed: number
}

/** Which backend networks would be trained on. */
export interface BackendJob {
  readonly action: 'find_backend'
  readonly tensorflowBackend: string
}

export type Job = TrainJob | ValidateJob | BackendJob

export type JobMessage =
  | { readonly type: 'progress'; readonly share: number }
  /** A model file. */
  | { readonly type: 'trained'; readonly model: Uint8Array }
  | { readonly type: 'validated'; readonly validation: Validation }
  | { readonly type: 'backend'; readonly backend: TensorFlowBackend; readonly passedOver: readonly string[] }
  /** The job cannot be done, now or later, and the message says why. */
  | { readonly type: 'refused'; readonly message: string }
