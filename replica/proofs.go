package replica

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/kdelta/kdelta/history"
	"github.com/kdelta/kdelta/history/pack"
	"github.com/kdelta/kdelta/identity"
)

// proofs are the signatures of a pack that have to be checked. That takes a while where a peer sends many of them, and nobody
// has to wait for it: it needs no transaction.
type proofs struct {
	space        identity.Space
	seals        []identity.Seal
	certificates []identity.Certificate
	erasures     []history.Erasure
}

// proved are the proofs that hold.
type proved struct {
	// certificates are those of authors that are new here.
	certificates map[identity.Author]identity.Certificate
	// sealed are the ids that a valid seal is over.
	sealed map[history.ID]identity.Seal
	// erasures are those whose seals are valid.
	erasures []history.Erasure
}

// proofsIn are those of a pack, but for seals whose signature is stored here, certificates of authors that are known, and
// erasures that are.
func (s *snap) proofsIn(h *pack.Header) (proofs, error) {
	p := proofs{space: s.space, seals: make([]identity.Seal, 0, len(h.Seals))}
	for _, seal := range h.Seals {
		kept, here, err := s.keptSeal(seal.Author, seal.Seq, seal.ID)
		if err != nil {
			return proofs{}, err
		}
		if !here || kept.Sig != seal.Sig { // the very signature that is here was checked, and vouches for nothing that is new
			p.seals = append(p.seals, seal)
		}
	}
	for _, cert := range h.Certificates {
		if len(s.byAuthor[cert.Author]) == 0 {
			p.certificates = append(p.certificates, cert)
		}
	}
	for _, e := range h.Erasures {
		known, err := isProved(s.tx, e.Stamp().Entry())
		if err != nil {
			return proofs{}, err
		}
		if !known {
			p.erasures = append(p.erasures, e)
		}
	}
	return p, nil
}

// check verifies them. A signature costs as much as some fifty versions.
func (p *proofs) check() proved {
	records := make([]identity.Record, 0, len(p.seals)+len(p.erasures)+len(p.certificates))
	for i := range p.seals {
		records = append(records, &p.seals[i])
	}
	for i := range p.erasures {
		records = append(records, p.erasures[i].Seal())
	}
	for i := range p.certificates {
		records = append(records, &p.certificates[i])
	}
	good := verifyEach(p.space, records)
	next := func() (holds bool) {
		holds, good = good[0], good[1:]
		return holds
	}
	out := proved{
		sealed:       make(map[history.ID]identity.Seal, len(p.seals)),
		certificates: make(map[identity.Author]identity.Certificate, len(p.certificates)),
	}
	for _, s := range p.seals {
		if next() {
			out.sealed[s.ID] = s
		}
	}
	for _, e := range p.erasures {
		if next() {
			out.erasures = append(out.erasures, e)
		}
	}
	for _, cert := range p.certificates {
		if next() {
			out.certificates[cert.Author] = cert
		}
	}
	return out
}

// smallShare is how many records are worth another processor. Batches of that many are nearly as fast as those of more.
const smallShare = 16

// verifyEach is identity.VerifyEach, on all processors if there are many records.
func verifyEach(space identity.Space, records []identity.Record) []bool {
	if oneProcessor || len(records) <= smallShare {
		return identity.VerifyEach(space, records)
	}
	workers := runtime.GOMAXPROCS(0)
	share := min(max(len(records)/workers, smallShare), identity.BatchSize)
	good := make([]bool, len(records))
	var wg sync.WaitGroup
	var next atomic.Int64 // whoever is free takes the next: a processor may have other things to do
	for range min(workers, len(records)/share) {
		wg.Go(func() {
			for {
				from := int(next.Add(int64(share))) - share
				if from >= len(records) {
					return
				}
				copy(good[from:], identity.VerifyEach(space, records[from:min(from+share, len(records))]))
			}
		})
	}
	wg.Wait()
	return good
}
