// SPDX-License-Identifier: Apache-2.0
/**
 * What comes with every set of policies. All but the last are `forbid`, and a forbid beats every permit, so that no policy of a
 * site undoes them. Their names are taken: a site's policy cannot have one of them.
 */

/** Where a high-impact target is asked for, somebody says yes whose key the agent cannot reach: another uid, or a touch. */
export const GUARDRAILS = `@id("lifecycle")
@reason("the identity is not active, or has expired")
forbid (principal is Identity, action, resource)
unless { principal.state == "active" && context.now < principal.expires };

@id("env-isolation")
@reason("identity and target are in different environments")
forbid (principal is Identity, action, resource is Target)
unless { principal.env == resource.env };

@id("target-live")
@reason("the target is retired, its registration has expired, or nobody answers for it")
forbid (principal is Identity, action, resource is Target)
when { resource.retired || context.now >= resource.expires };

@id("third-party-review")
@reason("nobody has looked at this third party again by the day that was set")
forbid (principal is Identity, action, resource is Target)
when { resource.thirdParty }
unless { resource has reviewBy && context.now < resource.reviewBy };

@id("known-intent")
@reason("the target has no such intent")
forbid (principal is Identity, action, resource is Target)
unless { resource.intents.contains(context.intent) };

@id("agents-need-a-task")
@reason("an agent gets and uses credentials only within a task of its own that is active")
forbid (principal is Identity, action in [Action::"issue", Action::"use"], resource)
when { principal.kind == "agent" }
unless { context has task };

@id("task-live")
@reason("the task is not active, or is another identity's")
forbid (principal is Identity, action in [Action::"issue", Action::"use"], resource)
when { context has task }
unless { context.task.state == "active" && context.task.identity == principal };

@id("inside-the-task")
@reason("the intent is not among what the task declared")
forbid (principal is Identity, action in [Action::"issue", Action::"use"], resource)
when { context has task }
unless { context.task.intents.contains(context.intent) };

@id("no-static-secrets")
@reason("a static secret is in the process environment")
forbid (principal is Identity, action, resource)
when { context.attested.secrets == "found" };

@id("no-unread-environment")
@reason("whether the process environment holds a static secret could not be read, and the identity is an agent's")
forbid (principal is Identity, action, resource)
when { principal.kind == "agent" && context.attested.secrets != "none-seen" };

@id("high-impact-needs-human")
@reason("high-impact target: a human must approve")
forbid (principal is Identity, action, resource is Target)
when { resource.impact != "low" }
unless { context.approvals.touch >= 1 || context.approvals.other.key >= 1 };

@id("findings-need-human")
@reason("a detector found something of this identity that nobody has closed: a human must approve")
forbid (principal is Identity, action, resource is Target)
when { context.findings.contains("require-approval") }
unless { context.approvals.touch >= 1 || context.approvals.other.key >= 1 };

@id("depth")
@reason("the chain of delegation is longer than 3")
forbid (principal is Identity, action == Action::"begin", resource)
when { context.depth > 3 };

@id("approver-is-here")
@reason("who approves has left")
forbid (principal is Human, action == Action::"approve", resource)
unless { principal.active };

@id("approver-is-not-the-agent")
@reason("under the agent's own uid a plain key proves no human: a touch is needed")
forbid (principal is Human, action == Action::"approve", resource)
unless { context.otherUid || context.strength >= 2 };

@id("owner-approves")
@reason("who answers for the identity approves")
permit (principal is Human, action == Action::"approve", resource)
when { principal.names.contains(resource.owner) };
`;
