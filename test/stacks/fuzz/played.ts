/** What a stack cannot do by nature, whatever is made up for: the same steps are then left out everywhere. */
export interface Limits {
  /** SO_ERROR says nothing, and a connect is asked for in another way. */
  readonly errorsByConnect: boolean;
  /** A connect may fail before anybody waits for it. */
  readonly refusesAtOnce: boolean;
  /** Nothing tells of urgent data. */
  readonly hidesUrgent: boolean;
  /** Nobody but a connect that is asked after knows a refusal from a reset. */
  readonly refusalsAreResets: boolean;
  /** A failed connect is found by asking whoever waits to send, and never shown again once it was told. */
  readonly hidesFailedConnects: boolean;
  /** Without poll and without SO_ERROR nothing tells an error from the end of a connection. */
  readonly errorsLookLikeEnds: boolean;
  /** Nothing tells a connection that was shut down both ways, and whose peer is still there, from one that was not. */
  readonly hidesHangUps: boolean;
  /**
   * The error that a wait has cleared is known by the connection that it has ended. A connection that has ended in order,
   * both ways, looks the same, and a datagram socket has no connection.
   */
  readonly forgetsOwners: boolean;
  /** A datagram that found nobody makes its socket readable, as one that has arrived does. */
  readonly tellsOfRefusedDatagrams: boolean;
  /** Without poll nothing tells an error of a datagram socket from a datagram. */
  readonly datagramErrorsLookLikeDatagrams: boolean;
}

/** A socket of the stack's, its peer, and what has gone between them. */
export interface Played {
  readonly descriptor: number;
  readonly type: 'stream' | 'datagram';
  readonly stream: number;
  /** -1 where there is none, or none any more. */
  peer: number;
  peerPort: number;
  connected: boolean;
  refused: boolean;
  /** The refusal was told. */
  told: boolean;
  sent: number;
  received: number;
  peerSent: number;
  peerReceived: number;
  urgent: boolean;
  shutDown: boolean;
  filled: boolean;
  closed: boolean;
}

export function newPlayed(descriptor: number, type: Played['type'], stream: number): Played {
  return {
    descriptor,
    type,
    stream,
    peer: -1,
    peerPort: 0,
    connected: false,
    refused: false,
    told: false,
    sent: 0,
    received: 0,
    peerSent: 0,
    peerReceived: 0,
    urgent: false,
    shutDown: false,
    filled: false,
    closed: false,
  };
}
