package identity

// verifyClaims reports of each claim whether it holds. In a browser they are
// worked out one by one: what a batch needs would make each page larger, and
// comes to the same.
func verifyClaims(claims []claim) []bool {
	holds := make([]bool, len(claims))
	for i := range claims {
		holds[i] = claims[i].holds()
	}
	return holds
}
