package dynamodb

import (
	api "github.com/aloft-cloud/aloft/internal/api/dynamodb"
	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/item"
)

var (
	errNoResource      = api.ResourceNotFoundException.With(nil, "Requested resource not found")
	errKeySchema       = refuse("The provided key element does not match the schema")
	errDuplicate       = api.DuplicateItemException.With(nil, "Duplicate primary key exists in table")
	errItemSize        = refuse("Item size has exceeded the maximum allowed size")
	errUpdateSize      = refuse("Item size to update has exceeded the maximum allowed size")
	errProtected       = refuse("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
	errTransactionSize = refuse("Aggregate size of the items in the transaction cannot exceed 4 MB: Transaction size cannot exceed 4194304 bytes")
	errNesting         = refuse("Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit")
)

// invalid begins most refusals.
const invalid = "One or more parameter values were invalid: "

// refuse refuses a request in AWS's words.
func refuse(message string) error { return aws.ValidationException.With(nil, message) }

// refusef is refuse with a message made up from a format.
func refusef(format string, args ...any) error {
	return aws.ValidationException.Errorf(format, args...)
}

func errNoTable(arn aws.ARN) error {
	return api.ResourceNotFoundException.With(nil, "Requested resource not found: Table: "+tableName(arn)+" not found")
}

func errInUse(t *table) error {
	return api.ResourceInUseException.With(nil, "Attempt to change a resource which is still in use: Table is being "+t.doing()+": "+t.name())
}

// errCondition refuses a write whose condition does not hold. The caller may
// have asked for the item as it is.
func errCondition(returnItem *string, old item.Item) error {
	const message = "The conditional request failed"
	if aws.Value(returnItem) == "ALL_OLD" && old != nil {
		return api.ConditionalCheckFailedException.With(&api.ConditionalCheckFailedExceptionDetail{Item: old}, message)
	}
	return api.ConditionalCheckFailedException.With(nil, message)
}

// checkValues refuses values that are against DynamoDB's rules.
func checkValues(it item.Item) error {
	if err := it.Err(); err != nil {
		return refuse(err.Message)
	}
	return nil
}
