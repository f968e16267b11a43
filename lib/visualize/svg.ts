/** Writing SVG as text: elements, escaping, and numbers short enough to read. */

export type Attributes = Record<string, string | number | undefined>

/** `<name attributes>children</name>`; attributes that are undefined are left out, numbers get two decimals. */
export function element(name: string, attributes: Attributes, ...children: string[]): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(
      ([key, value]) => ` ${key}="${typeof value === 'number' ? short(value) : escapeText(String(value))}"`,
    )
    .join('')
  return children.length === 0 ? `<${name}${written}/>` : `<${name}${written}>${children.join('')}</${name}>`
}

/** A line of text; `y` is its baseline. */
export function label(x: number, y: number, content: string, attributes: Attributes = {}): string {
  return element('text', { x, y, ...attributes }, escapeText(content))
}

/** Path data through points; a point whose y is not finite breaks the line. */
export function pathData(points: Iterable<readonly [number, number]>): string {
  let data = ''
  let pen = 'M'
  for (const [x, y] of points) {
    if (Number.isFinite(y)) {
      data += `${pen}${short(x)} ${short(y)}`
      pen = 'L'
    } else {
      pen = 'M'
    }
  }
  return data
}

export function escapeText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

const short = (value: number) => String(Math.round(value * 100) / 100)
