package identity

// Record is what signatures prove: a Seal, a Grant or a Certificate.
type Record interface {
	// Verify returns nil if the record holds in a space.
	Verify(space Space) error
	// claim is the record's own signature; it holds in that space alone.
	claim(space Space) claim
	// under is the grant that has to hold as well, if there is one.
	under() (Grant, bool)
}

// BatchSize is how many records VerifyEach takes together at most. Whoever
// shares out many among processors gives each that many at a time.
const BatchSize = 64

// VerifyEach reports of each record whether its Verify returns nil. Many take
// half the time that they take one by one, and certificates under one grant a
// quarter; if some do not hold, half as long again at worst. Records of one
// signer should stand together.
func VerifyEach(space Space, records []Record) []bool {
	verdicts := make([]bool, 0, len(records))
	for len(records) > 0 {
		n := min(len(records), BatchSize)
		verdicts = appendVerdicts(verdicts, space, records[:n])
		records = records[n:]
	}
	return verdicts
}

// appendVerdicts is VerifyEach of one batch. Of certificates in a row that are
// under one grant, that is claimed once.
func appendVerdicts(verdicts []bool, space Space, records []Record) []bool {
	claims := make([]claim, 0, len(records)+1)
	type needs struct{ own, grant int }
	needed := make([]needs, len(records))
	var last Grant
	granted := -1
	for i, r := range records {
		grant, under := r.under()
		if under && (granted < 0 || grant != last) {
			last, granted = grant, len(claims)
			claims = append(claims, grant.claim(space))
		}
		needed[i] = needs{own: len(claims), grant: len(claims)}
		if under {
			needed[i].grant = granted
		}
		claims = append(claims, r.claim(space))
	}
	holds := verifyClaims(claims)
	for _, n := range needed {
		verdicts = append(verdicts, holds[n.own] && holds[n.grant])
	}
	return verdicts
}
