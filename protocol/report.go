package protocol

// State is where a session stands, in the words that status output uses.
type State uint8

// States. A session moves from Connecting over Syncing to Synced; Denied and Broken are final.
const (
	// Connecting: the peer's hello has not come yet.
	Connecting State = iota
	// Syncing: the two exchange what the other lacks.
	Syncing
	// Synced: both hold what both held when the session began, and know it of each other, refused versions aside
	// (Report.Refused, Report.RefusedByPeer).
	Synced
	// Denied: the two do not belong together: ErrVersion, ErrForeignSpace, ErrSelf or ErrProof.
	Denied
	// Broken: any other early end. What was applied until then stays.
	Broken
)

// String returns the word.
func (s State) String() string {
	switch s {
	case Connecting:
		return "connecting"
	case Syncing:
		return "syncing"
	case Synced:
		return "synced"
	case Denied:
		return "denied"
	case Broken:
		return "broken"
	default:
		return "unknown"
	}
}

// Traffic counts one direction.
type Traffic struct {
	// Versions handed over by the feed, or applied as new here.
	Versions int
	Packs    int
	Frames   int
	Bytes    int64
}

// Report says what a session did. It can be asked for at any time; slices are shared with the session and not to be
// changed.
type Report struct {
	State State
	// Err is what ended the session early: nil unless State is Denied or Broken.
	Err error
	// Peer is zero until its hello was read.
	Peer Peer

	Sent, Received Traffic
	// Duplicates were sent to us although we held them, Pending wait here for what did not come.
	Duplicates, Pending int
	// Conflicts and Forks that what we received has opened.
	Conflicts, Forks int

	// Refused are the first versions that we refused, RefusedCount all of them; RefusedByPeer and
	// RefusedByPeerCount are the peer's word on what we sent.
	Refused            []Refusal
	RefusedCount       int
	RefusedByPeer      []Refusal
	RefusedByPeerCount uint64
	// AppliedByPeer is the peer's word on how many of the versions we sent were new to it.
	AppliedByPeer uint64

	// Skew is the peer's wall clock minus ours in ms, as good as the time a frame takes; 0 until its hello.
	Skew int64
	// Copy is true if the peer writes under our author with another instance: one file was copied, and the author
	// forks as soon as both write.
	Copy bool
	// Equal is true if, at the final acks, both held the same versions; in a session that stays, when each last told what it
	// holds (Rest). Writes on either side during the session make it false; the next session carries them, or this one if it
	// stays.
	Equal bool
	// Live is true from the final acks on if both sides stay. Unacked is how many packs were sent and not acked.
	Live    bool
	Unacked int
	// PresencesDropped counts what the peer said of the moment beyond MaxPresences a second.
	PresencesDropped int
	// Diverged is true if both held the same versions and their states differed all the same: a bug in one of the
	// two, or damage on a disk. Run verify on both.
	Diverged bool
}
