/**
 * The process that trains: one job over IPC, its answer, the end. Apart from streaming, so that neither minutes of arithmetic nor memory that
 * runs out touches it. Ends by itself when its parent is gone.
 */
import { decodeModel, encodeModel } from '@lapwing/deep/model-file'
import { loadTensorFlow, TensorFlowError } from '@lapwing/deep/tensorflow'
import { TooFewRowsError, trainModel } from '@lapwing/deep/train-model'
import { validateCandidate } from '@lapwing/models/validation'
import type { Job, JobMessage, TrainJob, ValidateJob } from './job.ts'

process.once('message', (job: Job) => void run(job))
process.once('disconnect', () => process.exit(1))

async function run(job: Job): Promise<void> {
  try {
    await tell(await answer(job))
  } catch (error) {
    if (!(error instanceof TooFewRowsError) && !(error instanceof TensorFlowError)) throw error
    await tell({ type: 'refused', message: error.message })
  }
  process.exit(0)
}

async function answer(job: Job): Promise<JobMessage> {
  switch (job.action) {
    case 'train':
      return train(job)
    case 'validate':
      return validate(job)
    case 'find_backend': {
      const { backend, passedOver } = await loadTensorFlow(job.tensorflowBackend)
      return { type: 'backend', backend, passedOver }
    }
  }
}

async function train({ kind, channels, rows, seed, tensorflowBackend }: TrainJob): Promise<JobMessage> {
  const tensorflow = () => loadTensorFlow(tensorflowBackend)
  const onProgress = (share: number) => void process.send?.({ type: 'progress', share } satisfies JobMessage)
  const model = await trainModel({ kind, channels, rows, seed, tensorflow, onProgress })
  return { type: 'trained', model: encodeModel(model) }
}

function validate({ candidate, inForce, ...rest }: ValidateJob): JobMessage {
  const models = { candidate: decodeModel(candidate), inForce: inForce && decodeModel(inForce) }
  return { type: 'validated', validation: validateCandidate({ ...rest, ...models }) }
}

function tell(message: JobMessage): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send!(message, undefined, undefined, (error) => (error ? reject(error) : resolve()))
  })
}
