/** The one-file page: a display of stored records, with a finder for sentences. */
class App extends Display {
  constructor(models) {
    super(models);
    this.finder = new Finder(this);
    this.listen();
    this.show();
  }
  show(changes) {
    super.show(changes);
    this.finder.showSelection();
  }
  listen() {
    const on = (id, act) => document.getElementById(id).addEventListener("click", act);
    document.getElementById("controls").addEventListener("submit", event => event.preventDefault());
    document.getElementById("level").addEventListener("change", event => this.show({ level: event.target.value }));
    on("png", () => savePng(this));
    on("svg", () => saveSvg(this));
    this.listenForTheme(document.getElementById("theme"));
  }
}
const app = new App(JSON.parse(document.getElementById("data").textContent));
