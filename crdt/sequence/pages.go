package sequence

// pageSize is how many numbers a page maps.
const pageSize = 256

// pages maps numbers to leaves. Neighbours mostly map to the same leaf, so a page holds one leaf for all of its numbers
// until it has to tell them apart.
type pages struct {
	uniform []int32 // −1 where nothing is set
	apart   []*[pageSize]int32
	free    []*[pageSize]int32
}

// reset forgets all, keeping the memory.
func (p *pages) reset() {
	for i, page := range p.apart {
		if page != nil {
			p.free = append(p.free, page)
			p.apart[i] = nil
		}
	}
	p.uniform, p.apart = p.uniform[:0], p.apart[:0]
}

// get is the leaf of a number that was set.
func (p *pages) get(x uint32) int32 {
	if page := p.apart[x/pageSize]; page != nil {
		return page[x%pageSize]
	}
	return p.uniform[x/pageSize]
}

// set maps the numbers from … to−1 to a leaf.
func (p *pages) set(from, to uint32, leaf int32) {
	for from < to {
		i := from / pageSize
		for uint32(len(p.uniform)) <= i {
			p.uniform, p.apart = append(p.uniform, -1), append(p.apart, nil)
		}
		end := min((i+1)*pageSize, to)
		p.setIn(i, from, end, leaf)
		from = end
	}
}

// setIn is set within page i.
func (p *pages) setIn(i, from, to uint32, leaf int32) {
	whole := to-from == pageSize
	switch page := p.apart[i]; {
	case page != nil && whole:
		p.free = append(p.free, page)
		p.apart[i], p.uniform[i] = nil, leaf
		return
	case page != nil:
	case p.uniform[i] == leaf:
		return
	case whole, p.uniform[i] < 0: // nobody asks for the rest before it is set
		p.uniform[i] = leaf
		return
	default:
		p.apart[i] = p.split(p.uniform[i])
	}
	in := p.apart[i][from%pageSize : from%pageSize+(to-from)]
	for k := range in {
		in[k] = leaf
	}
}

// split is a page whose numbers all map to one leaf, and may be told apart.
func (p *pages) split(leaf int32) *[pageSize]int32 {
	page := new([pageSize]int32)
	if k := len(p.free); k > 0 {
		page, p.free = p.free[k-1], p.free[:k-1]
	}
	for k := range page {
		page[k] = leaf
	}
	return page
}
