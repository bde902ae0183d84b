import { keepOffline } from "@site/offline.js";
import { Runtime } from "@site/runtime.js";

const python = new Runtime(), status = document.getElementById("status");
try {
  const ms = await python.ready;
  const { vrrpd } = await python.call("about.versions");
  status.textContent = `vrrpd ${vrrpd} runs in this tab (${ms.all} ms)`;
} catch (error) {
  status.textContent = error.message;
}
keepOffline();
