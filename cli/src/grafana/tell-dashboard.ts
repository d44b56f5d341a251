/** What became of a dashboard, as a line. */
export type TellDashboard = (name: string, outcome: string, detail: string) => void
