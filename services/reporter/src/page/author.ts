/** The name of who says something on the page, kept for the next time. */
const authorKey = 'lapwing-author'

/** Empty where the browser keeps nothing for this page. */
export function rememberedAuthor(): string {
  try {
    return localStorage.getItem(authorKey) ?? ''
  } catch {
    return ''
  }
}

export function rememberAuthor(author: string): void {
  try {
    localStorage.setItem(authorKey, author)
  } catch {
    // Then it is typed again the next time.
  }
}
