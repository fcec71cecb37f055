package replica

import (
	"slices"

	"github.com/kdelta/kdelta/identity"
)

// manyDoubts is how many records are verified together at most: enough for all processors, few enough to hold.
const manyDoubts = 16 * identity.BatchSize

// doubts are records whose signatures have yet to be verified: together, which takes half the time.
type doubts struct {
	records []identity.Record
	damage  []doubt
}

// doubt is what it means if one of the next few records does not hold.
type doubt struct {
	text    string
	records int
}

// doubt has records verified by settle, at the latest. If one of them does not hold, text is what is damaged.
func (v *verifier) doubt(text string, records ...identity.Record) {
	d := &v.doubts
	d.records = append(d.records, records...)
	d.damage = append(d.damage, doubt{text, len(records)})
	if len(d.records) >= manyDoubts {
		v.settle()
	}
}

// settle verifies what is in doubt.
func (v *verifier) settle() {
	d := &v.doubts
	good := verifyEach(v.s.space, d.records)
	for _, of := range d.damage {
		if slices.Contains(good[:of.records], false) {
			v.damage("%s", of.text)
		}
		good = good[of.records:]
	}
	d.records, d.damage = d.records[:0], d.damage[:0]
}
