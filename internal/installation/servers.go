package installation

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

// adopt has the runner adopt the servers of some tenants, and keeps two of each for its plans.
func (g *generator) adopt(ctx context.Context, first, end int) error {
	var refused *enrollment.Problem
	tenant, nth := first, 0
	_, err := g.runner.Adopt(ctx, Tess, g.rows(first, end), func(r runner.RowResult) {
		if r.Problem != nil {
			refused = r.Problem
		}
		if _, err := fmt.Sscanf(r.Reference, "%d/%d", &tenant, &nth); err == nil && nth < 2 {
			g.servers[tenant][nth] = r.Server
		}
		g.counts.servers.Add(1)
	})
	if err == nil && refused != nil {
		err = refused
	}
	return err
}

// beginning is when the installation began: now, unless some of it is there.
func (g *generator) beginning(ctx context.Context) (time.Time, error) {
	page, err := g.runner.Tenant(tenantID(0)).Servers(ctx, runner.ServerQuery{Page: runner.Page{Limit: 1}})
	if err == nil && len(page.Servers) > 0 {
		return page.Servers[0].CreatedAt, nil
	}
	if err != nil && !errors.Is(err, &enrollment.Problem{Code: enrollment.CodeNotFound}) {
		return time.Time{}, err
	}
	c, err := g.store.Claim(ctx, storage.Claim{})
	return c.Now, err
}

// rows are the servers of some tenants: two for each, and its share of the others.
func (g *generator) rows(first, end int) iter.Seq2[runner.Adoption, error] {
	return func(yield func(runner.Adoption, error) bool) {
		for t := first; t < end; t++ {
			for nth := range 2 + g.more[t+1] - g.more[t] {
				if !yield(g.row(t, nth), nil) {
					return
				}
			}
		}
	}
}

// row is a server with a token as Apple makes them, which expires within the year, or did so a while ago.
func (g *generator) row(tenant, nth int) runner.Adoption {
	reference := fmt.Sprintf("%d/%d", tenant, nth)
	sum := sha256.Sum256(fmt.Appendf(nil, "%d/%s", g.size.Seed, reference))
	text := hex.EncodeToString(sum[:])
	expires := g.now.Truncate(24 * time.Hour).Add(-20*24*time.Hour + time.Duration(binary.BigEndian.Uint16(sum[:]))*8*time.Minute)
	key := "CK_" + text + text[:32]
	token, _ := json.Marshal(map[string]string{ // of strings: it cannot fail
		"consumer_key": key, "consumer_secret": "CS_" + text[1:41], "access_token": "AT_" + text + text[:40],
		"access_secret": "AS_" + text[2:42], "access_token_expiry": expires.Format(time.RFC3339),
	})
	return runner.Adoption{
		Tenant: tenantID(tenant), Reference: reference, Name: fmt.Sprint("MDM ", nth), Site: enrollment.SiteID(fmt.Sprint("site", nth%7)),
		ServerUUID: serverUUID(key), Token: abmtoken.NewSecret(string(token)),
	}
}

// serverUUID is that of the service whose token has a consumer key.
func serverUUID(consumerKey string) string {
	sum := sha256.Sum256([]byte(consumerKey))
	return strings.ToUpper(hex.EncodeToString(sum[:16]))
}
