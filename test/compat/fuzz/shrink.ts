import { compare, type Mismatch, type Subject } from './one-case.js';
import type { Behaviour, Client, Program, Step } from './program.js';

/** The smallest program found that still differs: without the steps, actions and options that it can do without. */
export async function shrink(found: Mismatch, subject: Subject): Promise<Mismatch> {
  let smallest = found;
  for (let shrunk = true; shrunk; ) {
    shrunk = false;
    for (const candidate of smaller(smallest.program)) {
      const verdict = await compare(candidate, subject);
      if (typeof verdict === 'string') continue;
      smallest = verdict;
      shrunk = true;
      break;
    }
  }
  return smallest;
}

function* smaller(program: Program): Generator<Program> {
  const { steps } = program;
  for (let i = steps.length - 1; i >= 0; i--) yield { ...program, steps: steps.filter((_, index) => index !== i) };
  for (const [i, step] of steps.entries()) {
    for (const less of smallerStep(step))
      yield { ...program, steps: steps.map((each, at) => (at === i ? less : each)) };
  }
  for (const accepted of smallerBehaviour(program.accepted)) yield { ...program, accepted };
  const plain = {
    allowHalfOpen: false,
    pauseOnConnect: false,
    noDelay: false,
    keepAlive: false,
    highWaterMark: null,
    maxConnections: null,
    signal: false,
  } as const;
  for (const key of Object.keys(plain) as (keyof typeof plain)[]) {
    if (program.server[key] !== plain[key]) yield { ...program, server: { ...program.server, [key]: plain[key] } };
  }
  if (program.listen !== '(port, host)') yield { ...program, listen: '(port, host)' };
  if (program.transport !== 'tcp') yield { ...program, transport: 'tcp' };
  if (program.ours !== 'both') yield { ...program, ours: 'both' };
}

function* smallerStep(step: Step): Generator<Step> {
  if ('connects' in step) {
    for (const connects of smallerClient(step.connects)) yield { ...step, connects };
    return;
  }
  if (step.when !== 'now') yield { ...step, when: 'now' };
  if ('serves' in step) {
    if (step.serves.length > 1) for (const serves of withoutOne(step.serves)) yield { ...step, serves };
  } else if (step.does.length > 1) for (const does of withoutOne(step.does)) yield { ...step, does };
}

function* smallerClient(client: Client): Generator<Client> {
  for (const behaviour of smallerBehaviour(client)) yield { ...client, ...behaviour };
  const plain = {
    to: 'server',
    form: 'function',
    listens: 'now',
    allowHalfOpen: false,
    highWaterMark: null,
    signal: 'none',
    noDelay: false,
    keepAlive: false,
    onread: null,
  } as const;
  for (const key of Object.keys(plain) as (keyof typeof plain)[]) {
    if (client[key] !== plain[key]) yield { ...client, [key]: plain[key] };
  }
}

function* smallerBehaviour(behaviour: Behaviour): Generator<Behaviour> {
  const { taking, errorListener, reactions } = behaviour;
  for (const less of withoutOne(reactions)) yield { taking, errorListener, reactions: less };
  for (const [i, reaction] of reactions.entries()) {
    if (reaction.does.length < 2) continue;
    for (const does of withoutOne(reaction.does)) {
      yield {
        taking,
        errorListener,
        reactions: reactions.map((each, at) => (at === i ? { ...reaction, does } : each)),
      };
    }
  }
  if (taking !== 'none' && taking !== 'data') yield { taking: 'data', errorListener, reactions };
  if (taking !== 'none') yield { taking: 'none', errorListener, reactions };
  if (!errorListener) yield { taking, errorListener: true, reactions };
}

function* withoutOne<T>(items: readonly T[]): Generator<T[]> {
  for (let i = items.length - 1; i >= 0; i--) yield items.filter((_, index) => index !== i);
}
