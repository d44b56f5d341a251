/** Something the user can put right: its message says where and what was expected, and no stack is shown. Exit code 2. */
export class UserError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UserError'
  }
}
