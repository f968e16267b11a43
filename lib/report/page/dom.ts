/**
 * Making elements. Text always goes in as text: no value of a run can become markup, and none can turn the direction of
 * what stands around it.
 */
import { printable } from '../../log/printable.js'

type Child = Node | string | null
type Attributes = Record<string, string | number | boolean | undefined>

export function html<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return filled(document.createElement(name), attributes, children)
}

export function svg<K extends keyof SVGElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  return filled(document.createElementNS('http://www.w3.org/2000/svg', name), attributes, children)
}

function filled<E extends Element>(element: E, attributes: Attributes, children: readonly Child[]): E {
  set(element, attributes)
  const legible = children.map((child) => (typeof child === 'string' ? inLines(child) : child))
  element.append(...legible.filter((child) => child !== null))
  return element
}

/** Line feeds stay: they are spaces here. */
const inLines = (text: string) =>
  text
    .split('\n')
    .map((line) => printable(line, Infinity))
    .join('\n')

/** false and undefined take an attribute away, true sets it without a value. */
export function set(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) element.removeAttribute(name)
    else element.setAttribute(name, value === true ? '' : String(value))
  }
}
