package main

import "context"

// sizes are how much is put into stores before something is measured.
type sizes struct {
	small, large int // records
	ring         int // key pairs
	uploads      int // runs that the parts of an upload are made of
}

var realSizes = sizes{small: 1000, large: 100_000, ring: 20, uploads: 100}

// figures prepares everything that is measured, with store files in dir.
func figures(ctx context.Context, dir string, size sizes) ([]figure, error) {
	var all []figure
	for _, prepare := range []func(context.Context, string, sizes) ([]figure, error){
		openFigures, pushFigures, stepFigures, claimFigures, costFigures,
	} {
		some, err := prepare(ctx, dir, size)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

func openFigures(_ context.Context, _ string, size sizes) ([]figure, error) {
	f, err := newTokenFile()
	if err != nil {
		return nil, err
	}
	r, err := newRing(f, size.ring)
	if err != nil {
		return nil, err
	}
	open := subject{name: "ours", do: f.open}
	peer := subject{name: "nanodep", do: f.nanodep}
	return []figure{
		{id: "open", name: "Open a token file with a parsed key", ours: open,
			other: subject{name: "the RSA operation alone", do: f.rawRSA}, goal: goal{most: 1.10}},
		{id: "peer", name: "the same, beside a peer", ours: open, other: peer, goal: goal{most: 1, below: true}},
		{id: "allocations", name: "objects allocated for it", ours: open, other: peer, count: true, goal: goal{most: 0.5, below: true}},
		{id: "read", name: "what comes before the key is used",
			ours: subject{name: "ours", do: f.read}, other: subject{name: "nanodep and pkcs7", do: f.nanodepRead}},
		{id: "ring", name: "Open it with the right one of 20 keys", ours: subject{name: "20 keys", do: r.named},
			other: subject{name: "with 1 key", do: r.single}, goal: goal{most: 1.2}},
		{id: "trial", name: "with keys of other systems, by trial", ours: subject{name: "20 keys", do: r.anonymous},
			other: subject{name: "with 1 key", do: r.single}},
	}, nil
}

func pushFigures(ctx context.Context, _ string, _ sizes) ([]figure, error) {
	p, err := newPushCertificate(ctx)
	if err != nil {
		return nil, err
	}
	return []figure{
		{id: "inspect", name: "Inspect a stored push certificate", ours: subject{name: "ours", do: p.inspect},
			other: subject{name: "x509.ParseCertificate", do: p.parse}, goal: goal{most: 2.5}},
	}, nil
}

func stepFigures(context.Context, string, sizes) ([]figure, error) {
	renewal, err := renewalLife()
	if err != nil {
		return nil, err
	}
	watch, err := watchLife()
	if err != nil {
		return nil, err
	}
	moved, err := moveLife()
	if err != nil {
		return nil, err
	}
	limit := goal{most: 500, below: true}
	return []figure{
		{id: "renewal", name: "Step of a renewal, mean of its life", ours: renewal.whole("ours"), goal: limit},
		{id: "watch", name: "Step of a watch, mean of its life", ours: watch.whole("ours"), goal: limit},
		{id: "move", name: "Step of a device's move, mean of its life", ours: moved.whole("ours"), goal: limit},
	}, nil
}

func claimFigures(ctx context.Context, dir string, size sizes) ([]figure, error) {
	small, err := newClaims(ctx, dir, size.small)
	if err != nil {
		return nil, err
	}
	large, err := newClaims(ctx, dir, size.large)
	if err != nil {
		return nil, err
	}
	return []figure{{id: "claim", name: "Claim 100 due records of 100,000 (bolt)", ours: subject{name: "ours", do: large.claim},
		other: subject{name: "of 1,000", do: small.claim}, goal: goal{most: 1.5}}}, nil
}

func costFigures(ctx context.Context, dir string, _ sizes) ([]figure, error) {
	f, err := newTokenFile()
	if err != nil {
		return nil, err
	}
	a, err := newAdoption(dir, f)
	if err != nil {
		return nil, err
	}
	sealed, err := sealing(ctx)
	if err != nil {
		return nil, err
	}
	return []figure{
		{id: "key", name: "Make a key pair (RSA-2048) and its certificate", ours: subject{name: "ours", do: makeKey}},
		{id: "seal", name: "Seal and open a secret of 2 KB", ours: sealed},
		{id: "adopt", name: "Adopt a server with its token (bolt, sealed)", ours: a.subject("ours", false)},
		{id: "adopt-together", name: "the same, many servers of one tenant", ours: a.subject("ours", true)},
	}, nil
}
