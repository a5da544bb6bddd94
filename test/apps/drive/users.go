package drive

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	cognito "github.com/aloft-cloud/aloft/internal/api/cognito-idp"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/client"

	"github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/protocol"
)

// token signs a user up in a pool, as a client of it does, and returns the ID
// token of that user.
func (d *driver) token(ctx context.Context, pool string) (string, error) {
	if token := d.tokens[pool]; token != "" {
		return token, nil
	}
	list, err := client.Do(ctx, d.Client, cognito.ListUserPoolClients, &cognito.ListUserPoolClientsInput{UserPoolId: pool})
	if err != nil {
		return "", err
	}
	if len(list.UserPoolClients) == 0 { // its user makes one
		made, err := client.Do(ctx, d.Client, cognito.CreateUserPoolClient, &cognito.CreateUserPoolClientInput{UserPoolId: pool, ClientName: "driven", ExplicitAuthFlows: []string{"ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}})
		if err != nil {
			return "", err
		}
		list.UserPoolClients = []cognito.UserPoolClientDescription{{ClientId: made.UserPoolClient.ClientId}}
	}
	for _, one := range list.UserPoolClients {
		var token string
		if token, err = d.signIn(ctx, pool, aws.Value(one.ClientId)); err == nil {
			d.tokens[pool] = token
			return token, nil
		}
	}
	return "", err
}

// machineTokens are the access tokens that clients of a pool get that are no users.
func (d *driver) machineTokens(ctx context.Context, pool string) []string {
	described, err := client.Do(ctx, d.Client, cognito.DescribeUserPool, &cognito.DescribeUserPoolInput{UserPoolId: pool})
	list, err2 := client.Do(ctx, d.Client, cognito.ListUserPoolClients, &cognito.ListUserPoolClientsInput{UserPoolId: pool})
	if err != nil || err2 != nil || aws.Value(described.UserPool.Domain) == "" {
		return nil
	}
	var tokens []string
	for _, one := range list.UserPoolClients {
		c, err := client.Do(ctx, d.Client, cognito.DescribeUserPoolClient, &cognito.DescribeUserPoolClientInput{UserPoolId: pool, ClientId: aws.Value(one.ClientId)})
		if err != nil || !slices.Contains(c.UserPoolClient.AllowedOAuthFlows, "client_credentials") {
			continue
		}
		form := strings.NewReader("grant_type=client_credentials")
		out, err := http.NewRequestWithContext(ctx, http.MethodPost, d.Client.Endpoint()+"/oauth2/token", form)
		if err != nil {
			continue
		}
		out.Host = *described.UserPool.Domain + ".auth." + strings.Replace(out.URL.Host, "127.0.0.1", "localhost", 1)
		out.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		out.SetBasicAuth(aws.Value(one.ClientId), aws.Value(c.UserPoolClient.ClientSecret))
		response, err := http.DefaultClient.Do(out)
		if err != nil {
			continue
		}
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1<<16))
		response.Body.Close()
		if answer, ok := parsed(string(text)).(map[string]any); ok && answer["access_token"] != nil {
			tokens = append(tokens, textOf(answer["access_token"]))
		}
	}
	return tokens
}

const password = "Placeholder-1!"

// signIn makes a user and signs it in by the first flow that a client allows.
func (d *driver) signIn(ctx context.Context, pool, id string) (string, error) {
	described, err := client.Do(ctx, d.Client, cognito.DescribeUserPool, &cognito.DescribeUserPoolInput{UserPoolId: pool})
	if err != nil {
		return "", err
	}
	c, err := client.Do(ctx, d.Client, cognito.DescribeUserPoolClient, &cognito.DescribeUserPoolClientInput{UserPoolId: pool, ClientId: id})
	if err != nil {
		return "", err
	}
	name := fmt.Sprintf("someone%d@example.com", len(d.said))
	if slices.Contains(described.UserPool.UsernameAttributes, "phone_number") && !slices.Contains(described.UserPool.UsernameAttributes, "email") {
		name = "+14155550100"
	}
	if slices.Contains(described.UserPool.AliasAttributes, "email") {
		name = "someone"
	}
	mail := "someone@example.com"
	if strings.Contains(name, "@") {
		mail = name
	}
	attributes := []cognito.AttributeType{{Name: "email", Value: &mail}, {Name: "email_verified", Value: new("true")}}
	for _, a := range described.UserPool.SchemaAttributes {
		if aws.Value(a.Required) && !slices.Contains([]string{"sub", "email"}, aws.Value(a.Name)) {
			attributes = append(attributes, cognito.AttributeType{Name: aws.Value(a.Name), Value: new(encoded(valueFor(aws.Value(a.Name))))})
		}
	}
	hash := secretHash(name, id, aws.Value(c.UserPoolClient.ClientSecret))
	plain := slices.DeleteFunc(slices.Clone(attributes), func(a cognito.AttributeType) bool { return strings.HasSuffix(a.Name, "_verified") })
	_, err = client.Do(ctx, d.Client, cognito.SignUp, &cognito.SignUpInput{ClientId: id, Username: name, Password: new(password), UserAttributes: plain, SecretHash: hash})
	if err == nil {
		_, _ = client.Do(ctx, d.Client, cognito.AdminConfirmSignUp, &cognito.AdminConfirmSignUpInput{UserPoolId: pool, Username: name})
	} else {
		in := &cognito.AdminCreateUserInput{UserPoolId: pool, Username: name, UserAttributes: attributes, MessageAction: new("SUPPRESS")}
		if _, err := client.Do(ctx, d.Client, cognito.AdminCreateUser, in); err != nil {
			return "", err
		}
		set := &cognito.AdminSetUserPasswordInput{UserPoolId: pool, Username: name, Password: password, Permanent: new(true)}
		if _, err := client.Do(ctx, d.Client, cognito.AdminSetUserPassword, set); err != nil {
			return "", err
		}
	}
	with := map[string]string{"USERNAME": name, "PASSWORD": password}
	if hash != nil {
		with["SECRET_HASH"] = *hash
	}
	if !slices.ContainsFunc(c.UserPoolClient.ExplicitAuthFlows, func(flow string) bool { return strings.HasSuffix(flow, "PASSWORD_AUTH") || flow == "ADMIN_NO_SRP_AUTH" }) {
		// A client in a browser signs in by SRP, or at the pool's own page: what
		// counts is the token.
		_, err := client.Do(ctx, d.Client, cognito.UpdateUserPoolClient, &cognito.UpdateUserPoolClientInput{
			UserPoolId: pool, ClientId: id, ExplicitAuthFlows: []string{"ALLOW_USER_PASSWORD_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"},
		})
		if err != nil {
			return "", err
		}
	}
	if out, err := client.Do(ctx, d.Client, cognito.InitiateAuth, &cognito.InitiateAuthInput{AuthFlow: "USER_PASSWORD_AUTH", ClientId: id, AuthParameters: with}); err == nil && out.AuthenticationResult != nil {
		d.values["access "+pool] = aws.Value(out.AuthenticationResult.AccessToken)
		return aws.Value(out.AuthenticationResult.IdToken), nil
	}
	var last error
	for _, flow := range []string{"ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"} {
		out, err := client.Do(ctx, d.Client, cognito.AdminInitiateAuth, &cognito.AdminInitiateAuthInput{UserPoolId: pool, ClientId: id, AuthFlow: flow, AuthParameters: with})
		if err == nil && out.AuthenticationResult != nil {
			d.values["access "+pool] = aws.Value(out.AuthenticationResult.AccessToken)
			return aws.Value(out.AuthenticationResult.IdToken), nil
		}
		last = err
	}
	if last == nil {
		last = fmt.Errorf("a user of %s is asked for more than a password", pool)
	}
	return "", last
}

func secretHash(name, id, secret string) *string {
	if secret == "" {
		return nil
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(name + id))
	return new(base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// keepsItem puts an item into a table and gets it.
func (d *driver) keepsItem(ctx context.Context, table string) error {
	item, err := d.item(ctx, table, "")
	if err != nil {
		return err
	}
	if err := d.putItem(ctx, table, item); err != nil {
		return err
	}
	key, err := d.keyOf(ctx, table, item)
	if err != nil {
		return err
	}
	in := new(dynamodb.GetItemInput)
	if err := protocol.DecodeJSON([]byte(encoded(map[string]any{"TableName": table, "Key": key})), in); err != nil {
		return err
	}
	out, err := client.Do(ctx, d.Client, dynamodb.GetItem, in)
	if err == nil && len(out.Item) == 0 {
		err = fmt.Errorf("the item is not there")
	}
	return err
}

// isWhat refuses a text that is not the one that was kept.
func isWhat(r io.Reader, want string) error {
	got, err := io.ReadAll(io.LimitReader(r, 1<<16))
	if err == nil && string(got) != want {
		err = fmt.Errorf("it came out as %q", brief(string(got)))
	}
	return err
}
