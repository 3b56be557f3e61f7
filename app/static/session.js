// Leaves a page whose session is locked or over, and locks it when nobody has touched it for a while.
(() => {
  const asked = window.fetch.bind(window);
  const leave = () => location.replace("/lock?next=" + encodeURIComponent(location.pathname + location.search));
  let touched = Date.now();
  let idle = null;
  for (const kind of ["pointerdown", "keydown", "wheel", "touchmove"]) {
    addEventListener(kind, () => { touched = Date.now(); }, { passive: true, capture: true });
  }
  window.fetch = async (...request) => {
    const answer = await asked(...request);
    if (answer.status === 401) leave();
    return answer;
  };
  const look = async () => {
    try {
      const answer = await asked("/session", { headers: { accept: "application/json" }, cache: "no-store" });
      if (answer.status === 401) return leave();
      if (answer.ok) idle = (await answer.json()).idle;
    } catch { return; } // no network: the page stays, and what it holds
    const form = document.querySelector("form.lock");
    if (idle && form && Date.now() - touched > idle * 1000) {
      const next = form.elements.namedItem("next") || form.appendChild(Object.assign(document.createElement("input"), { type: "hidden", name: "next" }));
      next.value = location.pathname + location.search;
      form.submit();
    }
  };
  addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
  setInterval(look, 15000);
  look();
})();
