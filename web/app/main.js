// @ts-check
// Defines the parts that are always there, and puts them to work.

import { App } from "./app.js";
import { ActivityFeed } from "./parts/feed.js";
import { AgentCard } from "./parts/card.js";
import { AgentDetail } from "./parts/detail.js";
import { AgentPanels } from "./parts/agents.js";
import { Announcer } from "./parts/announcer.js";
import { CommandPalette } from "./parts/palette.js";
import { DirectionEditor } from "./parts/direction.js";
import { DirectiveBox } from "./parts/directive.js";
import { FlockActions } from "./parts/actions.js";
import { FlockControls } from "./parts/controls.js";
import { FullLog } from "./parts/fulllog.js";
import { KeyHelp } from "./parts/keyhelp.js";
import { LiveBadge } from "./parts/live.js";
import { Notice } from "./parts/notice.js";
import { PageTools } from "./parts/tools.js";
import { RingPicture } from "./parts/ring.js";
import { Session } from "./session.js";
import { SignIn } from "./parts/signin.js";
import { StartPlan } from "./parts/plan.js";
import { StopDialog } from "./parts/stopdialog.js";
import { TopBar } from "./parts/bar.js";
import { ViewFrame } from "./parts/frame.js";
import { ViewNav } from "./parts/nav.js";
import { readSettings } from "./settings.js";

const PARTS = {
  notice: Notice, card: AgentCard, directive: DirectiveBox, log: FullLog, plan: StartPlan, stop: StopDialog, actions: FlockActions, palette: CommandPalette,
  keyhelp: KeyHelp, signin: SignIn, nav: ViewNav, live: LiveBadge, tools: PageTools, bar: TopBar, direction: DirectionEditor, controls: FlockControls,
  ring: RingPicture, feed: ActivityFeed, detail: AgentDetail, agents: AgentPanels, announcer: Announcer, frame: ViewFrame,
};
for (const [name, type] of Object.entries(PARTS)) customElements.define(`murmur-${name}`, type);

/**
 * @template {HTMLElement} T
 * @param {string} name
 * @param {new () => T} type
 */
function part(name, type) {
  const found = document.querySelector(name);
  if (!(found instanceof type)) throw new TypeError(`index.html has no ${name}`);
  return found;
}

/** @param {Session} session @returns {Promise<void>} Over when somebody is signed in; from then on the page asks again when nobody is. */
function signedIn(session) {
  const gate = part("murmur-signin", SignIn);
  return new Promise((done) => {
    const look = () => {
      document.body.classList.toggle("is-signed-out", !session.signedIn);
      if (session.signedIn) done();
      else gate.show(session);
    };
    session.on("session", look);
    look();
  });
}

/** @param {App} app */
function attach(app) {
  for (const [name, type] of /** @type {const} */ ([["nav", ViewNav], ["live", LiveBadge], ["tools", PageTools], ["announcer", Announcer]])) {
    part(`murmur-${name}`, type).attach(app);
  }
  const { actions } = part("murmur-bar", TopBar).attach(app);
  actions.direction = part("murmur-direction", DirectionEditor).attach(app);
  actions.controls = part("murmur-controls", FlockControls).attach(app);
  part("murmur-frame", ViewFrame).attach(app);
}

document.querySelector(".skip")?.addEventListener("click", (event) => {
  event.preventDefault(); // the part of the address behind # names the view
  document.getElementById("main")?.focus();
});

const settings = await readSettings();
const session = settings.auth ? new Session(settings.auth) : null;
if (session) {
  await session.open();
  await signedIn(session);
}
const app = new App();
app.begin(settings, session);
attach(app);
