/** The file of the evaluations that were kept. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { historyText, type KeptEvaluation, parseHistory, withEvaluation } from '@lapwing/evaluation/evaluation-history'

/** In the folder of the reports. */
export const historyFileName = 'evaluations.jsonl'

/** Empty when there is no such file. Throws ConfigError, or what the file system throws. */
export function readHistory(file: string): KeptEvaluation[] {
  return existsSync(file) ? parseHistory(readFileSync(file, 'utf8'), file) : []
}

/** Whoever reads the file sees it with the evaluation or without. Returns the history with it. */
export function keepEvaluation(file: string, one: KeptEvaluation): KeptEvaluation[] {
  const history = withEvaluation(readHistory(file), one)
  writeFileSync(`${file}.unfinished`, historyText(history))
  renameSync(`${file}.unfinished`, file)
  return history
}
