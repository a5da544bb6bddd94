export function request(ctx) { return { operation: "GetItem", key: { id: { S: ctx.args.id } } }; }
export function response(ctx) { return ctx.result.text; }
