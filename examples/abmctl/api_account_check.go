package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

type apiAccountCheck struct{}

// Help is shown with --help.
func (*apiAccountCheck) Help() string {
	return `Asks Apple which services the organization of the account has, and says which of the servers here are among them: the
devices of the others cannot be assigned by this account.`
}

func (*apiAccountCheck) subject() subject { return subject{ID: "api-account"} }

type accountCheck struct {
	accountAnswer
	Services []accountService `json:"services"` // of the organization
	Foreign  []string         `json:"foreign"`  // servers of the tenant whose services are not among them
}

type accountService struct {
	ID      string              `json:"id"`
	Name    string              `json:"name"`
	Devices int                 `json:"devices"`
	Server  enrollment.ServerID `json:"server,omitempty"` // which stands for it here
}

func (a accountCheck) text(w io.Writer) {
	a.accountAnswer.text(w)
	for _, s := range a.Services {
		fmt.Fprintf(w, "service  %s %s", s.Name, s.ID)
		if s.Server != "" {
			fmt.Fprintf(w, " is the server %s", s.Server)
		}
		fmt.Fprintln(w)
	}
	if len(a.Foreign) > 0 {
		fmt.Fprintf(w, "foreign  %s\n", strings.Join(a.Foreign, ", "))
	}
}

func (c *apiAccountCheck) do(ctx context.Context, h *host) (answer, error) {
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	account, err := h.tenant().APIAccount(ctx)
	if err != nil {
		return nothing{c.subject()}, withoutAccount(err)
	}
	ans := accountCheck{accountAnswer: aboutAccount(h.Tenant, account), Services: []accountService{}, Foreign: []string{}}
	client, err := h.clients.organization(ctx, h.Tenant)
	if err != nil {
		return ans.accountAnswer, err
	}
	var here []runner.ServerView
	if err := h.eachServer(ctx, runner.ServerQuery{}, false, func(v runner.ServerView) {
		if !v.Retired() && !v.Pin.IsZero() {
			here = append(here, v)
		}
	}); err != nil {
		return ans.accountAnswer, err
	}
	defer h.waiting("Asking Apple")()
	for s, err := range client.Servers(ctx) {
		if err != nil {
			return ans.accountAnswer, appleTrouble(err, enrollment.Server{})
		}
		row := accountService{ID: s.ID, Name: s.Name, Devices: s.Devices}
		here = slices.DeleteFunc(here, func(v runner.ServerView) bool {
			same := enrollment.NormalUUID(v.Pin.ServerUUID) == enrollment.NormalUUID(s.ID) || v.Pin.ServerName == s.Name
			if same {
				row.Server = v.ID
			}
			return same
		})
		ans.Services = append(ans.Services, row)
	}
	for _, v := range here {
		ans.Foreign = append(ans.Foreign, string(v.ID))
	}
	return ans, nil
}
