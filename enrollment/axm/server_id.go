package axm

import (
	"context"
	"errors"
	"fmt"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/untrusted"
)

// ErrNoServer says that the organization of the API account has no such service, so that it may be another organization's.
var ErrNoServer = errors.New("axm: the organization of the API account has no such service")

// serverID finds the service that is meant. That the API's ID is the server_uuid of the device assignment service is likely and
// not documented, so that the name decides where no ID is equal: names are unique in an organization. Only IDs are remembered,
// because names change.
func (c *Client) serverID(ctx context.Context, s enrollment.Service) (string, error) {
	want := enrollment.NormalUUID(s.UUID)
	c.mu.Lock()
	id := c.known[want]
	c.mu.Unlock()
	if want != "" && id != "" {
		return id, nil
	}
	byName := ""
	for server, err := range c.Servers(ctx) {
		if err != nil {
			return "", err
		}
		if server.Status == "DELETED" {
			if want != "" && enrollment.NormalUUID(server.ID) == want {
				return "", fmt.Errorf("axm: %w", enrollment.ErrServiceGone)
			}
			continue
		}
		if want != "" && enrollment.NormalUUID(server.ID) == want {
			c.mu.Lock()
			c.known[want] = server.ID
			c.mu.Unlock()
			return server.ID, nil
		}
		if s.Name != "" && server.Name == s.Name {
			byName = server.ID
		}
	}
	if byName == "" {
		return "", fmt.Errorf("%w: %q; check that the API account belongs to the organization of the service",
			ErrNoServer, untrusted.Clean(s.Name, 256))
	}
	return byName, nil
}
