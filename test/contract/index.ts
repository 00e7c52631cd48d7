import { describe } from '../support/contract-test.js';
import type { DriverUnderTest } from '../support/stage.js';
import { describeAccept } from './accept.js';
import { describeBadInput } from './bad-input.js';
import { describeBroadcast } from './broadcast.js';
import { describeSignals } from './cancel.js';
import { describeClose } from './close.js';
import { describeClosesocket } from './closesocket.js';
import { describeConnect } from './connect.js';
import { describeHandlers } from './handlers.js';
import { describeLending } from './lending.js';
import { describeOperations } from './operations.js';
import { describeOptions } from './options.js';
import { describeProactor } from './proactor.js';
import { describeScale } from './scale.js';
import { describeSend } from './send.js';
import { describeShutdown } from './shutdown.js';
import { describeTimeouts } from './timeouts.js';
import { describeUnix } from './unix.js';

/** The contract of every driver, and of the readiness driver on every stack. */
export function describeDriverContract(driver: DriverUnderTest): void {
  describe(`the ${driver.name} driver`, { timeout: 300_000 }, () => {
    describeOperations(driver);
    describeTimeouts(driver);
    describeSignals(driver);
    describeConnect(driver);
    describeAccept(driver);
    describeSend(driver);
    describeLending(driver);
    describeHandlers(driver);
    describeBroadcast(driver);
    describeClose(driver);
    describeClosesocket(driver);
    describeShutdown(driver);
    describeUnix(driver);
    describeOptions(driver);
    describeBadInput(driver);
    describeProactor(driver);
    describeScale(driver);
  });
}
