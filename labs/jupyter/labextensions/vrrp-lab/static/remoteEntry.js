// The way in for JupyterLab: what a build step would write, for an extension that needs none.
//
// JupyterLab runs this file, calls init() with the modules that extensions share, and get() for the
// extension.  `jupyterlab._build` of package.json names both this file and "./extension".

window._JUPYTERLAB = window._JUPYTERLAB ?? {};
{
  let shared;                            // name of a module -> its versions
  const take = async (name) => {
    const [version] = Object.values(shared[name]);
    return (await version.get())();
  };
  window._JUPYTERLAB["vrrp-lab"] = {
    init: (scope) => { shared = scope; },
    get: async () => {
      const { plugins } = await import("./plugins.js");
      const names = ["@jupyterlab/notebook", "@jupyter-widgets/base", "@lumino/widgets"];
      const made = plugins(...await Promise.all(names.map(take)));
      return () => ({ __esModule: true, default: made });
    },
  };
}
