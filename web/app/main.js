// @ts-check
// Defines the parts of the page and puts them to work.

import { App } from "./app.js";
import { ActivityFeed } from "./parts/feed.js";
import { AgentCard } from "./parts/card.js";
import { AgentDetail } from "./parts/detail.js";
import { AgentPanels } from "./parts/agents.js";
import { DirectionEditor } from "./parts/direction.js";
import { EnvironmentView } from "./parts/environment.js";
import { FileViewer } from "./parts/viewer.js";
import { FlockControls } from "./parts/controls.js";
import { KnowledgeUpload } from "./parts/upload.js";
import { Notice } from "./parts/notice.js";
import { RingPicture } from "./parts/ring.js";
import { TopBar } from "./parts/bar.js";

customElements.define("murmur-notice", Notice);
customElements.define("murmur-upload", KnowledgeUpload);
customElements.define("murmur-viewer", FileViewer);
customElements.define("murmur-card", AgentCard);
customElements.define("murmur-bar", TopBar);
customElements.define("murmur-direction", DirectionEditor);
customElements.define("murmur-controls", FlockControls);
customElements.define("murmur-ring", RingPicture);
customElements.define("murmur-feed", ActivityFeed);
customElements.define("murmur-detail", AgentDetail);
customElements.define("murmur-agents", AgentPanels);
customElements.define("murmur-environment", EnvironmentView);

/**
 * @template {import("./part.js").Part} T
 * @param {string} name
 * @param {new () => T} type
 */
function part(name, type) {
  const found = document.querySelector(name);
  if (!(found instanceof type)) throw new TypeError(`index.html has no ${name}`);
  return found;
}

const app = new App();
part("murmur-bar", TopBar).attach(app);
const direction = part("murmur-direction", DirectionEditor).attach(app);
const controls = part("murmur-controls", FlockControls);
controls.direction = direction;
controls.attach(app);
part("murmur-ring", RingPicture).attach(app);
const feed = part("murmur-feed", ActivityFeed).attach(app);
const detail = part("murmur-detail", AgentDetail).attach(app);
part("murmur-agents", AgentPanels).attach(app);
part("murmur-environment", EnvironmentView).attach(app);
app.on("select", () => {
  feed.hidden = app.agent !== null;
  detail.hidden = app.agent === null;
});
app.start();
