package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

type apiAccountAdd struct {
	ClientID string `required:"" placeholder:"C" help:"Its client ID: BUSINESSAPI. or SCHOOLAPI. and a UUID."`
	KeyID    string `required:"" placeholder:"K" help:"The ID of its key, beside the client ID."`
	Key      string `required:"" placeholder:"FILE" help:"Its private key (PEM), which the browser downloaded once; - is standard input."`
}

// Help is shown with --help.
func (*apiAccountAdd) Help() string {
	return `An administrator makes the account at Apple's portal, in the preferences, under API. With it devices are assigned by the
program; without, a person assigns them at the portal. The private key is kept sealed and shown to nobody; delete the file
afterwards. Another account takes the place of the one that is there.`
}

func (c *apiAccountAdd) subject() subject { return subject{ID: c.ClientID} }

// maxAPIKey is more than any key has, so that what is larger is read no further.
const maxAPIKey = 64 << 10

func (c *apiAccountAdd) do(ctx context.Context, h *host) (answer, error) {
	key, err := h.readInput(c.Key, maxAPIKey)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	if err := h.open(ctx, writes); err != nil {
		return nil, err
	}
	account, err := h.tenant().SetAPIAccount(ctx, h.actor(), runner.APIAccountInput{ClientID: c.ClientID, KeyID: c.KeyID, PrivateKey: key})
	if err != nil {
		return nothing{c.subject()}, unusableAccount(err)
	}
	h.hint("Ask Apple now whether it takes the account: abmctl api-account check")
	return aboutAccount(h.Tenant, account), nil
}

// unusableAccount says what to do with a value that is none.
func unusableAccount(err error) error {
	problem := enrollment.ProblemOf(err)
	names := map[string]string{"client_id": "--client-id", "key_id": "--key-id", "key": "--key"}
	if flag := names[problem.Args["field"]]; flag != "" && problem.Code == enrollment.CodeInvalidInput {
		problem.Title = "What " + flag + " says is no part of an API account"
		problem.Next = problem.Args["rule"]
	}
	return problem
}

// accountAnswer is one API account. Its key is not part of it.
type accountAnswer struct {
	subject
	Tenant enrollment.TenantID `json:"tenant"`
	enrollment.APIAccount
}

func aboutAccount(t enrollment.TenantID, a enrollment.APIAccount) accountAnswer {
	return accountAnswer{subject{ID: a.ClientID}, t, a}
}

func (a accountAnswer) text(w io.Writer) {
	fmt.Fprintf(w, "tenant   %s\nclient   %s\nkey      %s\nadded    %s by %s\n", a.Tenant, a.ClientID, a.KeyID,
		a.AddedAt.Format(time.RFC3339), a.AddedBy.ID)
}

type apiAccountShow struct{}

func (*apiAccountShow) subject() subject { return subject{ID: "api-account"} }

func (c *apiAccountShow) do(ctx context.Context, h *host) (answer, error) {
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	account, err := h.tenant().APIAccount(ctx)
	if err != nil {
		return nothing{c.subject()}, withoutAccount(err)
	}
	return aboutAccount(h.Tenant, account), nil
}

// withoutAccount says how a tenant gets an API account.
func withoutAccount(err error) error {
	problem := enrollment.ProblemOf(err)
	if problem.Code == enrollment.CodeNotFound {
		problem.Title = "This tenant has no API account"
		problem.Next = "Have an administrator make one at Apple's portal, then: abmctl api-account add --client-id C --key-id K --key FILE"
	}
	return problem
}

type apiAccountList struct {
	All bool `help:"Of all tenants."`
}

func (*apiAccountList) subject() subject { return subject{} }

type accountsAnswer []accountAnswer

func (a accountsAnswer) text(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TENANT\tCLIENT ID\tKEY ID\tADDED")
	for _, one := range a {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", one.Tenant, one.ClientID, one.KeyID, day(one.AddedAt))
	}
	_ = table.Flush() // as every other write to standard output
}

func (c *apiAccountList) do(ctx context.Context, h *host) (answer, error) {
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	list := accountsAnswer{}
	err := eachPage(func(page runner.Page) (storage.Position, bool, []error, error) {
		p, err := h.lib.APIAccounts(ctx, page)
		for _, a := range p.Accounts {
			if c.All || a.Tenant == h.Tenant {
				list = append(list, aboutAccount(a.Tenant, a.APIAccount))
			}
		}
		return p.Next, p.More, p.Damaged, err
	})
	return list, err
}

type apiAccountRemove struct{}

// Help is shown with --help.
func (*apiAccountRemove) Help() string {
	return `Destroys what is kept of the account. Devices are assigned by people from then on, also those of plans under way. At
Apple the account lives on: an administrator revokes it there.`
}

func (*apiAccountRemove) subject() subject { return subject{ID: "api-account"} }

func (c *apiAccountRemove) do(ctx context.Context, h *host) (answer, error) {
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	account, err := h.tenant().APIAccount(ctx)
	if err == nil {
		err = h.tenant().RemoveAPIAccount(ctx, h.actor())
	}
	if err != nil {
		return nothing{c.subject()}, withoutAccount(err)
	}
	h.hint("Revoke it at Apple's portal, too, if nobody else uses it")
	return aboutAccount(h.Tenant, account), nil
}
