// A tab a service, by the pattern that screen readers know: arrow keys move, one tab stop
// (https://www.w3.org/WAI/ARIA/apg/patterns/tabs/).
//
//   exchange(document.getElementById("main"), SingleUpload)

import { fill, h } from "./dom.js";
import { ServiceTab } from "./exchange.js";
import { History } from "./history.js";
import { state } from "./state.js";

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
        onclick: () => show(at),
        onkeydown: (event) => {
          const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
          if (to === undefined) return;
          event.preventDefault();
          show((to + tabs.length) % tabs.length, true);
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
  function show(at, focus = false) {
    tabs.forEach((_, index) => {
      buttons[index].setAttribute("aria-selected", String(index === at));
      buttons[index].tabIndex = index === at ? 0 : -1;
      panels[index].hidden = index !== at;
    });
    tabs[at].made ??= panels[at].appendChild(new ServiceTab(tabs[at].service, Upload).element);
    if (focus) buttons[at].focus();
    window.history.replaceState(null, "", `#${tabs[at].service.service}`);
  }
  fill(
    main,
    h("h1", {}, "File exchange"),
    h("div", { role: "tablist", "aria-label": "Services", class: "tabs" }, buttons),
    panels,
    history.element,
  );
  show(
    Math.max(
      0,
      tabs.findIndex((tab) => `#${tab.service.service}` === location.hash),
    ),
  );
  history.load();
}
