package replica

import "context"

// background does nothing in a browser: what packs versions is code that every page would have to fetch. Compact is there for who
// calls it.
type background struct{}

func (*Replica) packSoon(*tip) {}

func (*Replica) scrubSoon() {}

func (*Replica) stopPacking(context.Context) error { return nil }
