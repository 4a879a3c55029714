// Reads HTML as browsers do (the algorithm of the standard), so that a page they would misread is misread here too.
import { selectAll, selectOne } from 'css-select';
import { textContent } from 'domutils';
import { parse } from 'parse5';
import { adapter as treeAdapter } from 'parse5-htmlparser2-tree-adapter';

/** An element, or the whole document. */
export class Element {
  constructor(node) {
    this.node = node;
  }

  static document(text) {
    return new Element(parse(text, { treeAdapter }));
  }

  all(selector) {
    return selectAll(selector, this.node).map((node) => new Element(node));
  }

  first(selector) {
    const node = selectOne(selector, this.node);
    return node === null ? undefined : new Element(node);
  }

  /** This element or its nearest ancestor with one of these names. */
  nearest(...names) {
    let { node } = this;
    while (node && !names.includes(node.name)) node = node.parent;
    return node ? new Element(node) : undefined;
  }

  get name() {
    return this.node.name;
  }

  get text() {
    return textContent(this.node);
  }

  /** What a person reads, spaces collapsed. */
  get words() {
    const skipped = new Set(['script', 'style', 'title']);
    const read = (node) => {
      if (skipped.has(node.name)) return '';
      return node.children ? node.children.map(read).join(' ') : node.type === 'text' ? node.data : '';
    };
    return read(this.node).replace(/\s+/g, ' ').trim();
  }

  /** The attribute, `undefined` if absent. */
  get(attribute) {
    return this.node.attribs?.[attribute];
  }
}
