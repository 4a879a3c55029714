// Two ways to use a page: with a mouse, and with nothing but a keyboard. A story does not know which one it has.
/** The most stops that a person would go through to reach something. */
const PATIENCE = 250;

export class Mouse {
  constructor(page) {
    this.page = page;
  }

  press(target) {
    return target.click();
  }

  /** People click on the words, not on the small square. */
  async tick(target) {
    await target.locator('xpath=ancestor::label').click();
  }

  async write(target, text) {
    await target.click();
    await target.fill(text);
  }

  async choose(target, value) {
    await target.selectOption(value);
  }
}

/** Runs in the page: what a person sees of where the focus is, and on which side of it `target` is, if one is meant. */
function focusSeen(target) {
  const focused = document.activeElement;
  if (focused === null || focused === document.body) return { what: 'nothing', seen: true, where: 'on' };
  const place = () => {
    const sameGroup = target.type === 'radio' && focused.type === 'radio' && focused.name === target.name;
    if (focused === target || sameGroup) return 'there';
    return focused.compareDocumentPosition(target) & Node.DOCUMENT_POSITION_PRECEDING ? 'back' : 'on';
  };
  const box = focused.getBoundingClientRect();
  const marks = (element) => {
    const style = getComputedStyle(element);
    return (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2) || style.boxShadow !== 'none';
  };
  const marked = marks(focused) || (focused.closest('.choice') !== null && marks(focused.closest('.choice')));
  const inside = box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
  const what = `<${focused.localName}> ${focused.textContent.replace(/\s+/g, ' ').trim().slice(0, 40) || focused.name || focused.id}`;
  // The content, where the link at the top leads, is no stop: it only says where the next one begins.
  const stop = focused.tabIndex >= 0;
  return { what, seen: !stop || (marked && inside), where: target ? place() : 'on' };
}

export class Keyboard {
  /** @param problem told of every stop where the focus cannot be seen */
  constructor(page, problem) {
    this.page = page;
    this.problem = problem;
  }

  /** One stop further, where the focus must be visible. */
  async tab(key = 'Tab') {
    await this.page.keyboard.press(key);
    return this.#seen(await this.page.evaluate(focusSeen));
  }

  #seen({ what, seen, where }) {
    if (!seen) this.problem(`the focus is not visible on ${what}`);
    return where;
  }

  /** Goes through the page, forward or back, until the focus is there. */
  async #reach(target) {
    const element = await target.elementHandle();
    for (let stops = 0; stops < PATIENCE; stops += 1) {
      const where = this.#seen(await element.evaluate(focusSeen));
      if (where === 'there') return;
      await this.page.keyboard.press(where === 'back' ? 'Shift+Tab' : 'Tab');
    }
    throw new Error(`not reached by keyboard: ${target}`);
  }

  async press(target) {
    await this.#reach(target);
    await this.page.keyboard.press('Enter');
  }

  async tick(target) {
    await this.#reach(target);
    const focused = () => target.evaluate((element) => element === document.activeElement);
    for (let stops = 0; !(await focused()); stops += 1) {
      if (stops > PATIENCE) throw new Error(`not reached by the arrows: ${target}`);
      await this.page.keyboard.press('ArrowDown');
    }
    // The arrows tick a radio button as they come to it; a box, and the first radio button, wait for the space bar.
    if (!(await target.isChecked())) await this.page.keyboard.press('Space');
  }

  async write(target, text) {
    await this.#reach(target);
    await this.page.keyboard.press('Control+A');
    await this.page.keyboard.press('Delete');
    await this.page.keyboard.type(text);
  }

  async choose(target, value) {
    await this.#reach(target);
    for (let stops = 0; (await target.inputValue()) !== value; stops += 1) {
      if (stops > PATIENCE) throw new Error(`no such choice: ${value}`);
      await this.page.keyboard.press('ArrowDown');
    }
  }
}
