/** Numbers of people who help, from the moment the call's crisis protocol names them. */

export class HelpView {
  /** @param {Document} page */
  constructor(page) {
    this._page = page;
    this._box = page.getElementById("help");
    this._list = page.getElementById("help-lines");
  }

  /** @param {Array<{name: string, number: string, hours: string}>} lines the most urgent first; none hides the box */
  show(lines) {
    this._list.replaceChildren(...lines.map((line) => this._item(line)));
    this._box.hidden = lines.length === 0;
  }

  _item({ name, number, hours }) {
    const item = this._page.createElement("li");
    const call = this._page.createElement("a");
    call.href = `tel:${number.replace(/[^0-9+*#]/g, "")}`;
    call.textContent = number;
    const about = this._page.createElement("span");
    about.textContent = hours ? `${name} · ${hours}` : name;
    item.append(call, about);
    return item;
  }
}
