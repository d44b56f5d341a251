/** Says one thing on the terminal: a label and what it is. */
export type Say = (label: string, text: string) => void
