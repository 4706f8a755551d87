// A tab a service, by the pattern that screen readers know: arrow keys move, one tab stop
// (https://www.w3.org/WAI/ARIA/apg/patterns/tabs/).
//
//   exchange(document.getElementById("main"), SingleUpload)

import { read, written } from "./address.js";
import { fill, h } from "./dom.js";
import { ServiceTab } from "./exchange.js";
import { History } from "./history.js";
import { state } from "./state.js";
import { watch } from "./watch.js";

/** Draws the tabs, and the upload history below them. */
export function exchange(main, Upload) {
  const tabs = state.services.map((service) => ({
    service,
    label: service.title.replace("Early Results ", ""),
    made: null,
  }));
  const history = new History();
  const buttons = tabs.map((tab, at) =>
    h(
      "button",
      {
        type: "button",
        role: "tab",
        id: `tab-${tab.service.service}`,
        "aria-controls": `panel-${tab.service.service}`,
        onclick: () => choose(at),
        onkeydown: (event) => {
          const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
          if (to === undefined) return;
          event.preventDefault();
          choose((to + tabs.length) % tabs.length);
          buttons[(to + tabs.length) % tabs.length].focus();
        },
      },
      tab.label,
    ),
  );
  const panels = tabs.map((tab) =>
    h("div", {
      role: "tabpanel",
      id: `panel-${tab.service.service}`,
      "aria-labelledby": `tab-${tab.service.service}`,
      hidden: true,
    }),
  );
  const named = () => tabs.findIndex((tab) => tab.service.service === read(location.hash).service);
  /** Shows a tab, and makes it an address that can be gone back to, kept and sent. */
  function choose(at) {
    if (named() !== at) window.history.pushState(null, "", written({ service: tabs[at].service.service }));
    show(at);
  }
  function show(at) {
    tabs.forEach((_, index) => {
      buttons[index].setAttribute("aria-selected", String(index === at));
      buttons[index].tabIndex = index === at ? 0 : -1;
      panels[index].hidden = index !== at;
    });
    watch(tabs[at].service.service);
    tabs[at].made ??= panels[at].appendChild(new ServiceTab(tabs[at].service, Upload).element);
  }
  fill(
    main,
    h("h1", {}, "File exchange"),
    h("div", { role: "tablist", "aria-label": "Services", class: "tabs" }, buttons),
    panels,
    history.element,
  );
  addEventListener("popstate", () => {
    if (named() >= 0) show(named());
    details();
  });
  show(Math.max(0, named()));
  history.load();
  if (read(location.hash).upload) details();
}

const details = async () => (await import("./details.js")).showNamed();
