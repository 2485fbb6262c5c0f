// purpose: products returned most often for each time they are bought
// subject: products
// parameters: min_purchases: integer = 20; limit: integer = 20
// parameter min_purchases: purchase lines that the product must have
// parameter limit: rows at most
// columns: product, purchases, returns, return_rate
// column purchases: purchase lines
// column returns: return lines
// column return_rate: returns over purchases
// example: habitue query return-prone-products -p min_purchases=5
MATCH (p:Product)<-[r:RETURNED]-(:Customer)
WHERE p.id <> '__no_product__'
WITH p, count(r) AS returns
MATCH (p)<-[r:PURCHASED]-(:Customer)
WITH p.id AS product, returns, count(r) AS purchases
WHERE purchases >= $min_purchases
RETURN product, purchases, returns, 1.0 * returns / purchases AS return_rate
ORDER BY return_rate DESC, product LIMIT $limit
