/** /etc/network/interfaces of Debian (interfaces(5)) as text. */

const keywords = /^\s*(auto|allow-\S+|iface|mapping|source|source-directory|rename|no-auto-down|no-scripts)\b/
const mark = '# put aside by Livecard: '
const folderLine = 'source /etc/network/interfaces.d/*'

/** What the file says of a device, as comments: two descriptions of one device would both be carried out. */
export function putAside(text: string, device: string): string {
  let within = false
  return text
    .split('\n')
    .map((line) => {
      if (keywords.test(line)) within = new RegExp(`^\\s*iface\\s+${escaped(device)}(\\s|$)`).test(line) || announces(line, device)
      const isContent = line.trim() !== '' && !line.trimStart().startsWith('#')
      return within && isContent ? `${mark}${line}` : line
    })
    .join('\n')
}

/** Alone: a line that announces others as well stays, and a device that is announced twice is no fault since ifupdown 0.8. */
function announces(line: string, device: string): boolean {
  return new RegExp(`^\\s*(auto|allow-\\S+)\\s+${escaped(device)}\\s*$`).test(line)
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/** With the line by which the files of the folder beside it are read. */
export function readsFolder(text: string): string {
  if (/^\s*source(-directory)?\s+(\/etc\/network\/)?interfaces\.d(\/\*)?\s*$/m.test(text)) return text
  return `${text.replace(/\n*$/, text.trim() === '' ? '' : '\n')}${folderLine}\n`
}
