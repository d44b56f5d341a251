/** A long name that may break where a person would break it: after its separators. */
export function Breakable({ text }: { text: string }) {
  return <>{text.split(/(?<=[_:/.,({])/).map((part, i) => (i === 0 ? part : [<wbr key={i} />, part]))}</>
}
