package protocol

// Version is the protocol spoken here. 0 is unstable: two replicas must speak the same one.
const Version uint64 = 0

// Limits of the wire. Each is checked before anything is allocated for what it bounds, and a peer that exceeds one is
// broken or hostile: the session ends with ErrMalformed.
const (
	// MaxFrame is the most bytes of one frame. It is part of the protocol and not told in the hello: a version of
	// the greatest legal size must fit, so a smaller limit would make some histories unsendable.
	MaxFrame = 2 << 20
	// MaxPack is the most bytes of one pack: its frame then has MaxFrame. The feed is held to it by ErrLocal.
	MaxPack = MaxFrame - FrameRoom
	// FrameRoom is the most that a frame has beside its pack: its own header, the kind and the length.
	FrameRoom = 1 + 1 + 5
	// MaxTips is the most entries of one clock, over all its have frames.
	MaxTips = 65_536
	// MaxTipsPerFrame is the most entries in one have frame; a greater clock travels in several.
	MaxTipsPerFrame = 16_384
	// MaxTipsPerAck is the most entries in one ack. An ack that would need more says less: it is a lower bound.
	MaxTipsPerAck = 1_024
	// MaxStrategies is the most strategy names in one hello, MaxStrategyName the most bytes of one.
	MaxStrategies   = 256
	MaxStrategyName = 64
	// MaxRefusals is the most versions that one ack, or one Report, names as refused. Further ones are counted.
	MaxRefusals = 64
	// MaxPresence is the most bytes of one Presence, MaxHops over how many links it goes.
	MaxPresence = 4_096
	MaxHops     = 8
	// MaxPresences is how many presences of one second are heard, by the time that the session was told; what comes beyond is
	// dropped.
	MaxPresences = 256
	// MaxText is the most bytes of one text for people: the reason of a refusal or of a bye.
	MaxText = 1_024
)

// maxQueued is of how many origins a session holds what it has not told yet.
const maxQueued = 64

// Credit. What was sent and not acked is bounded at both ends, whatever the transport buffers: a sender waits once
// MaxUnacked packs or unackedBytes of them are under way, and more than MaxUnacked are ErrUnexpected where they arrive. A
// receiver acks when half of that came, so that no sender ever waits in vain.
const (
	// MaxUnacked is the most packs that are under way in one direction.
	MaxUnacked   = 32
	unackedBytes = 6 << 20
	ackEvery     = MaxUnacked / 2
	ackBytes     = unackedBytes / 3
)
