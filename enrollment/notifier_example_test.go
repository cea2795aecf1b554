package enrollment_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Webhook posts notices to an address of the host's own. Which addresses may be posted to, and how the receiver knows
// the sender, is the host's business, too.
type Webhook struct {
	Client  *http.Client
	Address string
}

// Notify answers with an error unless the receiver took the notice, so that it comes again. The receiver remembers the ID,
// because a notice may come twice.
func (w Webhook) Notify(ctx context.Context, n enrollment.Notice) error {
	body, err := json.Marshal(n)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.Address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := w.Client.Do(r)
	if err != nil {
		return err
	}
	if err := response.Body.Close(); err != nil {
		return err
	}
	if response.StatusCode >= 300 {
		return fmt.Errorf("the webhook answered %s", response.Status)
	}
	return nil
}

func ExampleNotifier() {
	status := http.StatusBadGateway
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var n enrollment.Notice
		err := json.NewDecoder(r.Body).Decode(&n)
		fmt.Println(n.ID, n.Kind, n.Tenant, err)
		w.WriteHeader(status)
	}))
	defer receiver.Close()
	var notifier enrollment.Notifier = Webhook{receiver.Client(), receiver.URL}

	n := enrollment.Notice{ID: "srv_1/41/send_notice", Kind: enrollment.NoticeExpiry, Tenant: "acme", Days: 7}
	fmt.Println(notifier.Notify(context.Background(), n))
	status = http.StatusNoContent
	fmt.Println(notifier.Notify(context.Background(), n))
	// Output:
	// srv_1/41/send_notice expiry acme <nil>
	// the webhook answered 502 Bad Gateway
	// srv_1/41/send_notice expiry acme <nil>
	// <nil>
}
